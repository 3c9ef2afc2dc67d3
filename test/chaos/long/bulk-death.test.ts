import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { FIGURES } from "../../payments/settle/till.ts";
import { testClock } from "../../support/clock.ts";
import { basket, post } from "../../support/shop.ts";
import { atEveryCall } from "../at-every-call.ts";
import { Boundary } from "../boundary.ts";
import { outcomeOf, Stage, send, wakeObject } from "../stage.ts";

/** Bulks under a key whose worker ends anywhere, sent again until they are answered. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LONG = { timeout: 90_000 };
let keys = 0;
const freshKey = () => ({ "Idempotency-Key": `a-guest-key-of-a-bulk-${++keys}` });

const levels = (stage: Stage) =>
  Promise.all(stage.productIds.map(async (id) => (await stockOf(env, id).levels()).reserved));

const statuses = async () =>
  (await env.DB.prepare("SELECT status FROM orders ORDER BY status").all<{ status: string }>()).results.map(
    ({ status }) => status,
  );

describe("a bulk of all or nothing, whose worker ends anywhere,", () => {
  test("is placed as a whole, once, when it is sent again", LONG, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const stage = await Stage.build([2, 2]);
      const body = { orders: [stage.order(), stage.order()], mode: "all_or_nothing" };
      const key = freshKey();
      await outcomeOf(send(boundary, "/orders/bulk", body, key), boundary);
      await stage.mustHold();
      const before = await statuses();
      expect([[], ["confirmed", "confirmed"]]).toContainEqual(before);
      const again = await post("/orders/bulk", body, key);
      expect(again.status).toBe(201);
      await boundary.deliver();
      await stage.mustHold();
      await stage.settle();
      expect(await statuses()).toEqual(["confirmed", "confirmed"]);
      expect(await levels(stage)).toEqual([2, 2]);
      await forgetOrders();
    });
    expect(calls.slice(0, 4)).toEqual(["D1.batch", "Stock.reserve", "Stock.reserve", "D1.batch"]);
  });

  test("is refused as a whole where a unit is missing, and holds nothing in the end", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const stage = await Stage.build([2, 1]);
      const body = { orders: [stage.order(), stage.order()], mode: "all_or_nothing" };
      const key = freshKey();
      await outcomeOf(send(boundary, "/orders/bulk", body, key), boundary);
      await stage.mustHold();
      const again = await post("/orders/bulk", body, key);
      expect(again.status).toBe(409);
      await boundary.deliver();
      await stage.settle();
      expect(await statuses()).toEqual(["rejected", "rejected"]);
      expect(await levels(stage)).toEqual([0, 0]);
      await forgetOrders();
    });
  });

  test("goes on as a whole where one of its claims was fenced off, wherever that ends", LONG, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const stage = await Stage.build([1, 1]);
      const [apple = "", pear = ""] = stage.productIds;
      const orders = [basket({ [apple]: 1 }), basket({ [pear]: 1 })];
      const body = { orders, mode: "all_or_nothing" };
      const key = freshKey();
      const dying = new Boundary({ at: 3, ending: "dies before" });
      await outcomeOf(send(dying, "/orders/bulk", body, key), dying);
      testClock.advance(HOUR + MINUTE);
      await wakeObject(apple, new Boundary());
      await outcomeOf(send(boundary, "/orders/bulk", body, key), boundary);
      await stage.mustHold();
      const again = await post("/orders/bulk", body, key);
      expect(again.status).toBe(201);
      await boundary.deliver();
      await stage.mustHold();
      await stage.settle();
      expect(await statuses()).toEqual(["confirmed", "confirmed"]);
      expect(await levels(stage)).toEqual([1, 1]);
      await forgetOrders();
      dying.bury();
    });
    // Asks, gives up the other claim, lets both go, renews both, and begins.
    expect(calls.slice(0, 8)).toEqual([
      ...["D1.batch", "D1.batch", "Stock.follow", "Stock.follow", "D1.batch"],
      ...["Stock.reserve", "Stock.reserve", "D1.batch"],
    ]);
  });

  test("twins place it once", LONG, async () => {
    for (let at = 1; at < 4; at++) {
      const stage = await Stage.build([2, 2]);
      const body = { orders: [stage.order(), stage.order()], mode: "all_or_nothing" };
      const key = freshKey();
      const stalled = new Boundary({ at, ending: "stalls" });
      const slow = send(stalled, "/orders/bulk", body, key);
      await stalled.reached;
      const fast = await post("/orders/bulk", body, key);
      stalled.wake();
      const answer = await slow.answer;
      expect([fast.status, answer.status]).toEqual([201, 201]);
      expect(await answer.text()).toBe(await fast.text());
      await stage.settle();
      expect(await levels(stage)).toEqual([2, 2]);
      await forgetOrders();
    }
  });
});

test(
  "an independent bulk, whose worker ends anywhere, places each once when it is sent again",
  LONG,
  async () => {
    await atEveryCall(async (boundary) => {
      const stage = await Stage.build([2, 2]);
      const body = { orders: [stage.order(), stage.order(), stage.order()] };
      const key = freshKey();
      await outcomeOf(send(boundary, "/orders/bulk", body, key), boundary);
      await stage.mustHold();
      const again = await post("/orders/bulk", body, key);
      expect(again.status).toBe(200);
      expect(await again.json()).toMatchObject({ created: 2, rejected: 1 });
      await boundary.deliver();
      await stage.mustHold();
      await stage.settle();
      expect(await statuses()).toEqual(["confirmed", "confirmed", "rejected"]);
      expect(await levels(stage)).toEqual([2, 2]);
      await forgetOrders();
    });
  },
);

test(
  "a bulk of all or nothing, one of whose claims was fenced off meanwhile, places none of them",
  LONG,
  async () => {
    const stage = await Stage.build([1, 1]);
    const [apple = "", pear = ""] = stage.productIds;
    const body = { orders: [basket({ [apple]: 1 }), basket({ [pear]: 1 })], mode: "all_or_nothing" };
    const stalled = new Boundary({ at: 3, ending: "stalls" });
    const slow = send(stalled, "/orders/bulk", body);
    await stalled.reached;
    expect(stalled.calls).toEqual(["D1.batch", "Stock.reserve", "Stock.reserve", "D1.batch"]);
    testClock.advance(HOUR + MINUTE);
    await wakeObject(apple, new Boundary());
    stalled.wake();
    expect((await slow.answer).status).toBe(503);
    expect(await statuses()).toEqual([]);
    await stage.settle();
    expect(await levels(stage)).toEqual([0, 0]);
  },
);

/** The next run of a scenario counts its own. */
async function forgetOrders(): Promise<void> {
  await env.DB.batch(
    ["orders", "order_items", "order_stores", "order_history", "claims", "work", ...FIGURES].map((table) =>
      env.DB.prepare(`DELETE FROM ${table}`),
    ),
  );
}
