import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { Boundary } from "./boundary.ts";
import { outcomeOf, Stage, send, sweep } from "./stage.ts";

let keys = 0;
const freshKey = () => ({ "Idempotency-Key": `a-guest-key-of-this-test-${++keys}` });
const HOUR = 3_600_000;

describe("cancel with If-Match", () => {
  test("a retry after a death succeeds again", async () => {
    const stage = await Stage.build([1, 1]);
    const order = await placed(await post("/orders", stage.order()));
    const headers = { "X-Order-Token": order.access_token ?? "", "If-Match": '"1"', ...freshKey() };
    const path = `/orders/${order.id}/cancel`;
    // Whether the shop is being restored, the order with its key, the step with its answer.
    const dying = new Boundary({ at: 2, ending: "dies after" });
    await outcomeOf(send(dying, path, {}, headers), dying);
    dying.bury();
    expect((await post(path, {}, headers)).status).toBe(200);
  });

  test("twins: neither is told stale", async () => {
    const stage = await Stage.build([1, 1]);
    const order = await placed(await post("/orders", stage.order()));
    const headers = { "X-Order-Token": order.access_token ?? "", "If-Match": '"1"', ...freshKey() };
    const path = `/orders/${order.id}/cancel`;
    const slow = new Boundary({ at: 2, ending: "stalls" });
    const first = send(slow, path, {}, headers);
    await slow.reached;
    const second = await post(path, {}, headers);
    slow.wake();
    expect([second.status, (await first.answer).status]).toEqual([200, 200]);
  });
});

describe("a key's lifetime", () => {
  test("an order answered a day after its key was put down is still one order a minute later", async () => {
    const stage = await Stage.build([2, 2]);
    const key = freshKey();
    const dying = new Boundary({ at: 3, ending: "dies before" });
    await outcomeOf(send(dying, "/orders", stage.order(), key), dying);
    dying.bury();
    testClock.advance(24 * HOUR + 60_000);
    const first = await placed(await post("/orders", stage.order(), key));
    testClock.advance(60_000);
    await sweep();
    const again = await placed(await post("/orders", stage.order(), key));
    expect(again.id).toBe(first.id);
  });

  test("an adjustment answered a day after its key was put down is not made twice", async () => {
    const { productIds, storeIds } = await givenShop([[1]]);
    const [apple = ""] = productIds;
    const staff = await signIn("staff");
    const headers = { ...staff.headers, ...freshKey() };
    const body = { store_id: storeIds[0], type: "add", quantity: 5, reason: "found" };
    const path = `/inventory/${apple}/adjust`;
    const probe = new Boundary();
    await outcomeOf(send(probe, path, body, { ...headers, ...freshKey() }), probe);
    const at = probe.calls.indexOf("Stock.adjust");
    const dying = new Boundary({ at, ending: "dies before" });
    await outcomeOf(send(dying, path, body, headers), dying);
    dying.bury();
    testClock.advance(24 * HOUR + 60_000);
    expect((await post(path, body, headers)).status).toBe(201);
    testClock.advance(60_000);
    await sweep();
    expect((await post(path, body, headers)).status).toBe(201);
    expect((await stockOf(env, apple).levels()).on_hand).toBe(1 + 5 + 5);
  });
});

describe("refusals under a shared claim", () => {
  test("a twin told that the price changed has no order", async () => {
    const stage = await Stage.build([1, 1]);
    const key = freshKey();
    const body = stage.order({ expected_total: "39.98" });
    const slow = new Boundary({ at: 3, ending: "stalls" });
    const first = send(slow, "/orders", body, key);
    await slow.reached;
    await env.DB.prepare("UPDATE products SET price = price + 1").run();
    const second = await post("/orders", body, key);
    slow.wake();
    const answers = [second.status, (await first.answer).status];
    const orders = await env.DB.prepare("SELECT status FROM orders").all();
    expect({ answers, orders: orders.results }).not.toEqual({
      answers: [409, 201],
      orders: [{ status: "confirmed" }],
    });
  });
});

describe("a dead claim in another's way", () => {
  test("a rejected claim whose worker died does not make the next buyer's order fail", async () => {
    const stage = await Stage.build([1, 0]);
    const [apple = ""] = stage.productIds;
    const dying = new Boundary({ at: 3, ending: "dies after" });
    await outcomeOf(send(dying, "/orders", stage.order(), freshKey()), dying);
    dying.bury();
    const fates = await env.DB.prepare("SELECT fate FROM claims").all();
    expect(fates.results).toEqual([{ fate: "rejected" }]);
    expect((await post("/orders", basket({ [apple]: 1 }))).status).toBe(201);
  });

  test("a failed read of the fates in the way: what is told, what stays held", async () => {
    const stage = await Stage.build([1, 1]);
    const [apple = "", pear = ""] = stage.productIds;
    // Somebody holds pear provisionally.
    const other = new Boundary({ at: 2, ending: "dies before" });
    await outcomeOf(send(other, "/orders", basket({ [pear]: 1 }), freshKey()), other);
    const probe = new Boundary({ at: 6, ending: "call fails" });
    const answer = await outcomeOf(send(probe, "/orders", stage.order()), probe);
    other.bury();
    const levels = await stockOf(env, apple).levels();
    expect({ status: answer?.status, held: levels.reserved }).toEqual({ status: 503, held: 0 });
  });
});

describe("once", () => {
  test("a refusal stored first does not hide an effect", async () => {
    const staff = await signIn("staff");
    const headers = { ...staff.headers, ...freshKey() };
    const made = await post(
      "/categories",
      { name: "Fruit", description: "" },
      { ...staff.headers, ...freshKey() },
    );
    const { id } = await made.json<{ id: string }>();
    // Twin B stalls before it creates it; twin A is told `name_taken`, which is stored; the name is free again; B goes on.
    const fruit = { name: "Fruit", description: "" };
    const slow = new Boundary({ at: 2, ending: "stalls" });
    const b = send(slow, "/categories", fruit, headers);
    await slow.reached;
    const a = await post("/categories", fruit, headers);
    await env.DB.prepare("DELETE FROM categories WHERE id = ?1").bind(id).run();
    slow.wake();
    const again = async () => (await post("/categories", fruit, headers)).status;
    expect([a.status, (await b.answer).status, await again()]).toEqual([409, 201, 201]);

    // And the other way round: A stalls before it stores its refusal, until B has stored that it created it.
    const late = { ...staff.headers, ...freshKey() };
    const slowA = new Boundary({ at: 3, ending: "stalls" });
    const refused = send(slowA, "/categories", fruit, late);
    await slowA.reached;
    await env.DB.prepare("DELETE FROM categories").run();
    const created = await post("/categories", fruit, late);
    slowA.wake();
    const repeated = await post("/categories", fruit, late);
    expect([created.status, (await refused.answer).status, repeated.status]).toEqual([201, 201, 201]);
  });
});

describe("without a key, when D1 commits and then goes away", () => {
  test("the buyer is not told that nothing was sold", async () => {
    // After the three calls by which it gives up the claim that a desk may have placed: the load, and two reserves.
    const RECORD = 6;
    class GoesAway extends Boundary {
      override async cross<T>(label: string, call: () => Promise<T>): Promise<T> {
        const at = this.calls.length;
        if (at === RECORD) await call();
        if (at < RECORD || !label.startsWith("D1.")) return super.cross(label, call);
        this.calls.push(label);
        throw new Error("D1_ERROR: Network connection lost.");
      }
    }
    const stage = await Stage.build([1, 1]);
    const away = new GoesAway();
    const answer = await outcomeOf(send(away, "/orders", stage.order()), away);
    const { results } = await env.DB.prepare("SELECT status FROM orders").all();
    expect({
      status: answer?.status,
      code: (await answer?.json<{ code: string }>())?.code,
      results,
    }).not.toEqual({
      status: 503,
      code: "try_again",
      results: [{ status: "confirmed" }],
    });
  });
});
