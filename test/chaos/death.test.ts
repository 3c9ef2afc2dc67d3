import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { testClock } from "../support/clock.ts";
import { get, placed, post } from "../support/shop.ts";
import { atEveryCall } from "./at-every-call.ts";
import { Boundary } from "./boundary.ts";
import { ordersUnder, outcomeOf, Stage, send, wakeObject } from "./stage.ts";

/**
 * Death at every await. Each scenario is first run untouched, which records where it waits for another part; then it
 * is run once for each of these points and each ending, on a fresh pair of products. Afterwards deadlines pass, sweeps
 * run for all of them together, and the invariants of docs/DESIGN.md §2 must hold at every step. What takes longest is in
 * long/sweep-death.test.ts.
 */

let keys = 0;
const freshKey = () => ({ "Idempotency-Key": `a-guest-key-of-this-test-${++keys}` });
const HOUR = 3_600_000;
const IN_OBJECT = { inObject: true };

async function mustBeFree(stage: Stage): Promise<void> {
  for (const productId of stage.productIds) {
    expect(await stockOf(env, productId).levels()).toMatchObject({ on_hand: 1, reserved: 0 });
  }
}

describe("placing", () => {
  test("an order that its buyer sends again at once is placed exactly once", {
    timeout: 60_000,
  }, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const stage = await Stage.build([1, 1]);
      const key = freshKey();
      await outcomeOf(send(boundary, "/orders", stage.order(), key), boundary);
      await stage.mustHold();

      // Nobody else wants these units: the buyer may never be told that they are gone.
      const again = await placed(await post("/orders", stage.order(), key));
      expect(again.status).toBe("confirmed");
      await boundary.deliver();
      await stage.mustHold();
      const afterwards = async () => {
        expect(await ordersUnder(key["Idempotency-Key"])).toBe(1);
        for (const productId of stage.productIds) {
          expect(await stockOf(env, productId).levels()).toMatchObject({ on_hand: 1, reserved: 1 });
        }
      };
      return { stage, afterwards };
    });
    expect(calls).toEqual([
      "D1.batch",
      "Stock.reserve",
      "Stock.reserve",
      "D1.batch",
      "notifications.sendBatch",
    ]);
  });

  test("an order that nobody sends again leaves its units free or sold, never stuck", {
    timeout: 60_000,
  }, async () => {
    await atEveryCall(async (boundary) => {
      const stage = await Stage.build([1, 1]);
      const answer = await outcomeOf(send(boundary, "/orders", stage.order()), boundary);
      await boundary.deliver();
      await stage.mustHold();
      const afterwards = async () => {
        if (answer?.status === 201) {
          const { id, access_token } = await answer.json<{ id: string; access_token: string }>();
          expect((await get(`/orders/${id}`, { "X-Order-Token": access_token })).status).toBe(200);
        }
        const reserved = await Promise.all(
          stage.productIds.map(async (id) => (await stockOf(env, id).levels()).reserved),
        );
        expect([
          [0, 0],
          [1, 1],
        ]).toContainEqual(reserved);
      };
      return { stage, afterwards };
    });
  });

  test("a shortfall frees what it held, however its worker ends", { timeout: 60_000 }, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const stage = await Stage.build([1, 0]);
      const key = freshKey();
      await outcomeOf(send(boundary, "/orders", stage.order(), key), boundary);
      await stage.mustHold();
      expect((await post("/orders", stage.order(), key)).status).toBe(409);
      await boundary.deliver();
      await stage.mustHold();
      const afterwards = async () =>
        expect(await stockOf(env, stage.productIds[0] ?? "").levels()).toMatchObject({
          on_hand: 1,
          reserved: 0,
        });
      return { stage, afterwards };
    });
    expect(calls).toEqual([
      "D1.batch",
      "Stock.reserve",
      "Stock.reserve",
      "D1.batch",
      "Stock.follow",
      "Stock.follow",
    ]);
  });

  test("twins under one key share one fate while one of them ends anywhere", {
    timeout: 60_000,
  }, async () => {
    await atEveryCall(async (boundary) => {
      const stage = await Stage.build([1, 1]);
      const key = freshKey();
      const first = send(boundary, "/orders", stage.order(), key);
      const second = post("/orders", stage.order(), key);
      await outcomeOf(first, boundary);
      const answer = await second;
      // A twin may meet a claim that was abandoned three times over; it is told to come again, never that stock is short.
      expect([201, 503]).toContain(answer.status);
      expect((await placed(await post("/orders", stage.order(), key))).status).toBe("confirmed");
      await boundary.deliver();
      await stage.mustHold();
      return { stage, afterwards: async () => expect(await ordersUnder(key["Idempotency-Key"])).toBe(1) };
    });
  });

  test("a restock between a twin's shortfall and its fate harms nobody", { timeout: 60_000 }, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const stage = await Stage.build([1, 0]);
      const [, pear = ""] = stage.productIds;
      const key = freshKey();
      const stalled = new Boundary({ at: 3, ending: "stalls" });
      const first = send(stalled, "/orders", stage.order(), key);
      await stalled.reached;
      await stockOf(env, pear).adjust(pear, {
        operation: `restock-${pear}`,
        storeId: (await stockOf(env, pear).levels()).stores[0]?.store_id ?? "",
        type: "receive",
        quantity: 1,
        reason: "found in the back",
        reference: null,
        actor: "test",
      });
      stage.opening.set(pear, 1);
      await outcomeOf(send(boundary, "/orders", stage.order(), key), boundary);
      await stage.mustHold();
      stalled.wake();
      await first.answer;
      await Promise.all(first.deferred);
      await stage.mustHold();
      await boundary.deliver();
      await stage.mustHold();
      return { stage, afterwards: async () => expect(await ordersUnder(key["Idempotency-Key"])).toBe(1) };
    });
    expect(calls).toEqual([
      "D1.batch",
      "Stock.reserve",
      "Stock.reserve",
      "D1.batch",
      "notifications.sendBatch",
    ]);
  });
});

describe("a worker that stalls", () => {
  test("wakes after its hold was released and cannot record its order", { timeout: 60_000 }, async () => {
    const recorded = new Boundary();
    const rehearsal = await Stage.build([1, 1]);
    await outcomeOf(send(recorded, "/orders", rehearsal.order()), recorded);
    await rehearsal.settle();

    for (const at of recorded.calls.keys()) {
      const stage = await Stage.build([1, 1]);
      const boundary = new Boundary({ at, ending: "stalls" });
      const sent = send(boundary, "/orders", stage.order());
      await boundary.reached;
      await stage.settle();
      // Another buyer takes the units that were let go.
      const other = await post("/orders", stage.order());
      boundary.wake();
      const answer = await sent.answer;
      await Promise.all(sent.deferred);
      await stage.mustHold();
      await stage.settle();
      expect([other.status, answer.status].filter((status) => status === 201)).toHaveLength(1);
    }
  });
});

describe("cancelling", () => {
  test("frees the units once, however its worker ends", { timeout: 60_000 }, async () => {
    const calls = await atEveryCall(async (boundary, ending) => {
      const stage = await Stage.build([1, 1]);
      const order = await placed(await post("/orders", stage.order()));
      const headers = { "X-Order-Token": order.access_token ?? "", ...freshKey() };
      const answer = await outcomeOf(send(boundary, `/orders/${order.id}/cancel`, {}, headers), boundary);
      if (ending === null) expect(answer?.status).toBe(200);
      await stage.mustHold();
      const again = await post(`/orders/${order.id}/cancel`, {}, headers);
      expect({ status: again.status, body: await again.json() }).toMatchObject({
        status: 200,
        body: { status: "cancelled", version: 2 },
      });
      await boundary.deliver();
      await stage.mustHold();
      return { stage, afterwards: () => mustBeFree(stage) };
    });
    expect(calls).toEqual([
      // Whether the shop is being restored: a new isolate looks.
      "D1.first",
      // The order and the key; the step and its answer.
      "D1.batch",
      "D1.batch",
      "Stock.followAndCarry",
      "Stock.followAndCarry",
      // The lists, and the task that would have told them.
      "D1.batch",
      // The mail that it is cancelled.
      "notifications.sendBatch",
    ]);
  });

  test("frees the units even when every command to Stock is lost for ever", { timeout: 60_000 }, async () => {
    const stage = await Stage.build([1, 1]);
    const order = await placed(await post("/orders", stage.order()));
    // The holds have asked, and know that a living order stands behind them.
    await stage.settle();
    const headers = { "X-Order-Token": order.access_token ?? "" };
    const dying = new Boundary({ at: 3, ending: "dies before" });
    await outcomeOf(send(dying, `/orders/${order.id}/cancel`, {}, headers), dying);
    dying.bury();
    await env.DB.prepare("DELETE FROM work WHERE object_id = ?1 AND task = 'follow'").bind(order.id).run();
    // Nor does the nightly comparison mend it: only the holds themselves are left to ask, by now once a day.
    await env.DB.prepare("INSERT OR REPLACE INTO jobs (name, enabled) VALUES ('reconcile-stock', 0)").run();
    testClock.advance(24 * HOUR);
    await stage.settle();
    await mustBeFree(stage);
  });
});

describe("expiring", () => {
  const card = { payment_method: "card" };

  test("by the holds that ask frees the units once, however their objects end", {
    timeout: 60_000,
  }, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const stage = await Stage.build([1, 1]);
      const [apple = ""] = stage.productIds;
      const order = await placed(await post("/orders", stage.order(card)));
      testClock.advance(HOUR + 60_000);
      await wakeObject(apple, boundary);
      await stage.mustHold();
      await boundary.deliver();
      await stage.mustHold();
      return { stage, afterwards: () => stage.mustBeExpired(order) };
    }, IN_OBJECT);
    expect(calls.filter((call) => call.startsWith("D1."))).toEqual(["D1.batch", "D1.batch", "D1.batch"]);
  });

  test("a hold without a fate is let go, however its object ends", { timeout: 60_000 }, async () => {
    await atEveryCall(async (boundary) => {
      const stage = await Stage.build([1, 1]);
      const [apple = ""] = stage.productIds;
      const dying = new Boundary({ at: 3, ending: "dies before" });
      await outcomeOf(send(dying, "/orders", stage.order(), freshKey()), dying);
      testClock.advance(HOUR + 60_000);
      await wakeObject(apple, boundary);
      await stage.mustHold();
      await boundary.deliver();
      await stage.mustHold();
      return { stage, afterwards: () => mustBeFree(stage) };
    }, IN_OBJECT);
  });
});
