import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { KNOWN_FOR_MS } from "../../../src/platform/restoring.ts";
import { Boundary } from "../../chaos/boundary.ts";
import { send, sweep, wakeObject } from "../../chaos/stage.ts";
import { owe, workRow } from "../../events/rows.ts";
import { answerOf, countOf, refusalOf } from "../../orders/ask.ts";
import { cardOrder, eventRows, givenCardOrder, tellStandard } from "../../payments/tell.ts";
import { testClock } from "../../support/clock.ts";
import { basket, get, givenShop, placed, post } from "../../support/shop.ts";
import { type SignedIn, signIn } from "../../support/sign-in.ts";
import worker from "../../support/worker.ts";

const HOUR = 3_600_000;
const RESTORING = [503, "restoring"];

let admin: SignedIn;
beforeEach(async () => {
  admin = await signIn("admin");
});

/** By the admin's own hand, who has looked; all isolates have seen it by then. */
async function set(state: "open" | "stopped" | "restoring"): Promise<void> {
  const shown = await get("/ops/selling", admin.headers);
  const { generation } = await shown.json<{ generation: number }>();
  expect((await post("/ops/selling", { state, generation }, admin.headers)).status).toBe(200);
  testClock.advance(KNOWN_FOR_MS);
}

/** As a restore that was set while a worker was in the midst of something. */
const setAtOnce = (state: "open" | "restoring") =>
  env.DB.prepare(
    `INSERT INTO shop_state (key, value, since) VALUES ('selling', ?1, 0)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  )
    .bind(state)
    .run();

const success = ({ reference }: { reference: string }, event_id = "evt_1") => ({
  event_id,
  reference,
  status: "success",
  amount: 1999,
});

const owner = (order: { access_token?: string | undefined }) => ({
  "X-Order-Token": order.access_token ?? "",
});

async function buy(productId: string) {
  return placed(await post("/orders", basket({ [productId]: 1 })));
}

const statusOf = (id: string) =>
  env.DB.prepare("SELECT status FROM orders WHERE id = ?1").bind(id).first<string>("status");

describe("while the shop is restored", () => {
  test("every route that writes answers 503, save what the restore itself needs", async () => {
    const { productIds } = await givenShop([[3]]);
    const described = await answerOf(exports.default.fetch("http://shop.test/openapi.json"));
    const writes = Object.entries<Record<string, unknown>>(described.body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).flatMap((method) => (method === "get" ? [] : [`${method.toUpperCase()} ${path}`])),
    );
    expect(writes.length).toBeGreaterThan(35);
    await set("restoring");

    const goOn: string[] = [];
    for (const write of writes) {
      const [method = "", path = ""] = write.split(" ");
      const one = basket({ [productIds[0] ?? ""]: 1 });
      const body = path.endsWith("/orders") ? one : path.endsWith("/orders/bulk") ? { orders: [one] } : {};
      const answer = await answerOf(
        exports.default.fetch(`http://shop.test${path.replaceAll(/\{\w+\}/g, "x")}`, {
          method,
          headers: { "content-type": "application/json", ...admin.headers },
          body: JSON.stringify(body),
        }),
      );
      if (answer.status !== 503) goOn.push(write);
      else
        expect([write, answer.body.code, answer.headers.get("Retry-After")]).toEqual([
          write,
          "restoring",
          "60",
        ]);
    }
    expect(goOn.sort()).toEqual([
      "POST /api/v1/auth/token",
      // It looks by itself, and there is no such cart.
      "POST /api/v1/carts/{id}/checkout",
      "POST /api/v1/ops/backup/empty-stock",
      "POST /api/v1/ops/backup/finish",
      "POST /api/v1/ops/backup/proof",
      "POST /api/v1/ops/backup/stock",
      "POST /api/v1/ops/backup/stock/{product_id}",
      "POST /api/v1/ops/backup/tables/{name}",
      "POST /api/v1/ops/backup/token",
      "POST /api/v1/ops/selling",
      "POST /api/v1/orders/statistics/rebuild",
      // Without a signature: what is signed is told to come again (below).
      "POST /api/v1/webhooks/payments/standard",
      "POST /api/v1/webhooks/payments/stripe",
    ]);
  });

  test("reads go on, and health says what is the matter", async () => {
    const { productIds } = await givenShop([[3]]);
    await set("restoring");
    const product = exports.default.fetch(`http://shop.test/api/v1/products/${productIds[0]}`);
    expect((await product).status).toBe(200);
    expect(await answerOf(exports.default.fetch("http://shop.test/health"))).toMatchObject({
      status: 503,
      body: { checks: { selling: { status: "unhealthy", detail: "the shop is being restored" } } },
    });
  });

  test("an isolate that saw the shop whole believes so for five seconds, and no longer", async () => {
    const { categoryIds } = await givenShop([[3]]);
    const rename = (name: string) =>
      answerOf(
        exports.default.fetch(`http://shop.test/api/v1/categories/${categoryIds[0]}`, {
          method: "PATCH",
          headers: { "content-type": "application/json", ...admin.headers },
          body: JSON.stringify({ name }),
        }),
      );
    testClock.advance(KNOWN_FOR_MS);
    expect((await rename("one")).status).toBe(200);
    await setAtOnce("restoring");
    testClock.advance(KNOWN_FOR_MS - 1);
    expect((await rename("two")).status).toBe(200);
    testClock.advance(1);
    expect(refusalOf(await rename("three"))).toEqual(RESTORING);
    await setAtOnce("open");
    expect((await rename("four")).status).toBe(200);
  });

  test("a webhook is told to come again, also one that was told before, and stores nothing", async () => {
    const order = await givenCardOrder();
    const other = await cardOrder(order.items[0]?.product_id ?? "");
    expect((await tellStandard(success(order))).status).toBe(200);
    await set("restoring");
    const again = await tellStandard(success(order));
    expect([refusalOf(again), again.headers.get("Retry-After")]).toEqual([RESTORING, "60"]);
    expect(refusalOf(await tellStandard(success(other, "evt_2")))).toEqual(RESTORING);
    expect(await eventRows()).toHaveLength(1);
    expect(
      (await tellStandard(success(other, "evt_2"), { secret: `whsec_${btoa("0".repeat(32))}` })).status,
    ).toBe(401);

    await set("open");
    expect((await tellStandard(success(order))).body).toEqual({ received: true, duplicate: true });
    expect((await tellStandard(success(other, "evt_2"))).body).toEqual({ received: true });
  });

  test("a task's bell is acknowledged, and its row left alone until the shop is whole", async () => {
    await owe({ id: "wrk_a", task: "email", payload: { template: "order_confirmation", order_id: "gone" } });
    await setAtOnce("restoring");
    const before = await workRow("wrk_a");
    expect(await deliver("notifications", { id: "wrk_a" })).toEqual({ acked: ["m0"], retried: [] });
    expect(await workRow("wrk_a")).toEqual(before);
    await setAtOnce("open");
    await deliver("notifications", { id: "wrk_a" });
    expect(await workRow("wrk_a")).toMatchObject({ state: "done", attempts: 1 });
  });

  test("what nobody took is not kept in a table that is overwritten: it comes again", async () => {
    await setAtOnce("restoring");
    expect(await deliver("dead-letters", { id: "wrk_a" })).toMatchObject({ retried: [{ msgId: "m0" }] });
    expect(await countOf("work")).toBe(0);
    await setAtOnce("open");
    await deliver("dead-letters", { id: "wrk_a" });
    expect(await countOf("work")).toBe(1);
  });

  test("a minute does nothing; the first one after it makes up for it", async () => {
    const order = await givenCardOrder();
    await sweep();
    await setAtOnce("restoring");
    testClock.advance(HOUR);
    const runs = async () => (await env.DB.prepare("SELECT * FROM job_runs ORDER BY id").all()).results;
    const before = await runs();
    await sweep();
    expect([await statusOf(order.id), await runs()]).toEqual(["pending", before]);
    await setAtOnce("open");
    await sweep();
    expect(await statusOf(order.id)).toBe("expired");
  });

  test("a hold that asks is told nothing, and no fate is written", async () => {
    const { productIds } = await givenShop([[3]]);
    const [productId = ""] = productIds;
    await stockOf(env, productId).reserve(
      productId,
      [{ claim: "clm_1", orderId: "ord_1", quantity: 1, stores: [], only: false }],
      1_000,
    );
    const reserved = async () => (await stockOf(env, productId).levels()).reserved;
    expect(await reserved()).toBe(1);
    await setAtOnce("restoring");
    testClock.advance(HOUR);
    await wakeObject(productId, new Boundary());
    expect([await reserved(), await countOf("claims")]).toEqual([1, 0]);
    await setAtOnce("open");
    testClock.advance(HOUR);
    await wakeObject(productId, new Boundary());
    expect([await reserved(), await countOf("claims")]).toEqual([0, 1]);
  });
});

async function deliver(queue: string, body: unknown) {
  const batch = createMessageBatch(queue, [{ id: "m0", timestamp: testClock.now(), attempts: 1, body }]);
  const execution = createExecutionContext();
  await worker.queue(batch, env, execution);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, execution);
  return { acked: explicitAcks, retried: retryMessages };
}

/** What a command on an order is answered, and whether it did anything. */
interface Command {
  path: string;
  body: unknown;
  headers: Record<string, string>;
  did: () => Promise<boolean>;
}

const changed = (id: string) => async () =>
  (await env.DB.prepare("SELECT version FROM orders WHERE id = ?1").bind(id).first("version")) !== 1;

const COMMANDS: Record<string, () => Promise<Command>> = {
  placing: async () => {
    const { productIds } = await givenShop([[3]]);
    const before = await countOf("orders");
    return {
      ...{ path: "/orders", body: basket({ [productIds[0] ?? ""]: 1 }), headers: {} },
      did: async () => (await countOf("orders")) > before,
    };
  },
  cancelling: async () => {
    const { productIds } = await givenShop([[3]]);
    const order = await buy(productIds[0] ?? "");
    return { path: `/orders/${order.id}/cancel`, body: {}, headers: owner(order), did: changed(order.id) };
  },
  shipping: async () => {
    const { productIds } = await givenShop([[3]]);
    const order = await buy(productIds[0] ?? "");
    return {
      path: `/orders/${order.id}/shipments`,
      body: {},
      headers: admin.headers,
      did: changed(order.id),
    };
  },
  refunding: async () => {
    const { productIds } = await givenShop([[3]]);
    const order = await buy(productIds[0] ?? "");
    await env.DB.prepare(
      `INSERT INTO payments (id, order_id, provider, status, amount, currency, captured, refunded, stamp, created_at,
         updated_at)
       SELECT 'pay_' || id, id, 'standard', 'succeeded', total, currency, total, 0, 'x', 0, 0 FROM orders WHERE id = ?1`,
    )
      .bind(order.id)
      .run();
    return {
      ...{ path: `/payments/pay_${order.id}/refund`, body: {}, headers: admin.headers },
      did: changed(order.id),
    };
  },
};

describe("a request that was under way when the restore began, however long it slept", () => {
  test.each(Object.keys(COMMANDS))("%s: it did all of it before, or nothing and says so", async (name) => {
    const given = COMMANDS[name] as () => Promise<Command>;
    const rehearsal = new Boundary();
    const calm = await given();
    const whole = send(rehearsal, calm.path, calm.body, calm.headers);
    const { status: success } = await whole.answer;
    await Promise.all(whole.deferred);
    expect([success < 300, await calm.did()]).toEqual([true, true]);

    const answers = new Set<string>();
    for (const at of rehearsal.calls.keys()) {
      const command = await given();
      const boundary = new Boundary({ at, ending: "stalls" });
      const sent = send(boundary, command.path, command.body, command.headers);
      await boundary.reached;
      const had = await command.did();
      await setAtOnce("restoring");
      boundary.wake();
      const { status, body } = await answerOf(sent.answer);
      await Promise.all(sent.deferred);
      // What it had not done by then it does no more, and what it had done it does not deny.
      expect([at, await command.did()]).toEqual([at, had]);
      answers.add(had ? `done: ${status}` : `not done: ${status} ${body.code}`);
      await setAtOnce("open");
    }
    // A placing takes any failure of its record for one that may have happened, and gives its claim up.
    const givenUp = name === "placing" ? ["not done: 503 try_again"] : [];
    expect([...answers].sort()).toEqual([`done: ${success}`, "not done: 503 restoring", ...givenUp]);
  });
});

describe("an admin's plain stop", () => {
  test("keeps orders out, and nothing else", async () => {
    const { productIds, storeIds } = await givenShop([[3]]);
    const [productId = ""] = productIds;
    const [sold, card] = [await buy(productId), await cardOrder(productId)];
    await set("stopped");
    const refused = await answerOf(post("/orders", basket({ [productId]: 1 })));
    expect(refusalOf(refused)).toEqual([503, "selling_stopped"]);
    expect((await post(`/orders/${sold.id}/cancel`, {}, owner(sold))).status).toBe(200);
    const adjust = { store_id: storeIds[0], type: "receive", quantity: 1, reason: "r" };
    const adjusted = await answerOf(post(`/inventory/${productId}/adjust`, adjust, admin.headers));
    expect([adjusted.status, adjusted.body?.code]).toEqual([201, undefined]);
    expect((await tellStandard(success(card), {}, { PAYMENTS_QUEUE: env.PAYMENTS_QUEUE })).status).toBe(200);
    await expect.poll(() => statusOf(card.id)).toBe("confirmed");
    testClock.advance(60_000);
    const runs = await countOf("job_runs");
    await sweep();
    expect(await countOf("job_runs")).toBeGreaterThan(runs);
  });
});
