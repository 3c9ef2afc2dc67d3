import { describe, expect, test } from "vitest";
import { prefixed, systemIds } from "../../../src/platform/ids.ts";
import { owe } from "../../events/rows.ts";
import {
  atEveryCall,
  forgetMailsBut,
  LONG,
  mustBeEither,
  reserved,
  TOTAL,
} from "../../payments/settle/endings.ts";
import { MINUTE, orderRow, refundRows, rows, Till, tell } from "../../payments/settle/till.ts";
import { testClock } from "../../support/clock.ts";
import { post } from "../../support/shop.ts";
import { Boundary } from "../boundary.ts";

describe("a payment in time", () => {
  test("pays once, however its worker ends", LONG, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await till.order();
      const { workId } = await tell(order);
      await till.work([workId], boundary);
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
      expect((await orderRow(order.id))?.version).toBe(2);
      expect(await reserved(till)).toEqual([1, 1]);
    });
    expect(calls).toEqual(["D1.all", "D1.batch", "D1.batch", "D1.run"]);
  });

  test("whose worker stalls anywhere while another does its work pays once", LONG, async () => {
    for (const at of [0, 1, 2, 3]) {
      const till = await Till.open(1, 1);
      const order = await till.order();
      const { workId } = await tell(order);
      const stalled = new Boundary({ at, ending: "stalls" });
      await till.work([workId], stalled);
      testClock.advance(5 * MINUTE);
      await till.drain();
      stalled.wake();
      await new Promise((resolve) => setTimeout(resolve, 60));
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
      expect((await orderRow(order.id))?.version).toBe(2);
    }
  });
});

describe("expiry against payment at the same instant", () => {
  test("told first: paid, however the payment's worker ends", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await till.order();
      testClock.advance(30 * MINUTE);
      const { workId } = await tell(order);
      await Promise.all([till.work([workId], boundary), till.expire()]);
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
      expect((await orderRow(order.id))?.version).toBe(2);
    });
  });

  test("expired first, and the stock sold: expired with a refund, however either ends", LONG, async () => {
    for (const who of ["payment", "expiry"] as const) {
      await atEveryCall(async (boundary) => {
        const till = await Till.open(1, 1);
        const order = await till.order();
        testClock.advance(30 * MINUTE);
        await till.expire(who === "expiry" ? boundary : undefined);
        await till.drain();
        const other = await post("/orders", {
          items: till.productIds.map((product_id) => ({ product_id, quantity: 1 })),
          customer: { name: "Bob", email: "bob@shop.example" },
          payment_method: "invoice",
        });
        const { workId } = await tell(order);
        await till.work([workId], who === "payment" ? boundary : undefined);
        await till.mustHold();
        await till.settle();
        forgetMailsBut(till, order.id);
        expect(await mustBeEither(till, order.id)).toBe(other.status === 201 ? "expired" : "paid");
        expect(await reserved(till)).toEqual([1, 1]);
      });
    }
  });

  test("both at once, and the expiry ends anywhere: one or the other", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await till.order();
      testClock.advance(30 * MINUTE);
      const told = tell(order).then(({ workId }) => till.work([workId]));
      await Promise.all([till.expire(boundary), told]);
      await till.mustHold();
      await till.settle();
      expect(await mustBeEither(till, order.id)).toBe("paid");
    });
  });
});

describe("a refund", () => {
  test("of a second payment is asked for once, however its worker ends", LONG, async () => {
    const calls = await atEveryCall(async (boundary, planned) => {
      const till = await Till.open(1, 1);
      const order = await till.order();
      await tell(order);
      await till.drain();
      const { workId } = await tell(order);
      await till.work([workId]);
      const [refund] = await rows<{ id: string }>(
        "SELECT id FROM work WHERE task = 'refund' AND state = 'owed'",
      );
      await till.work([refund?.id ?? ""], boundary);
      await till.mustHold();
      await till.settle();
      expect(await refundRows(order.id)).toMatchObject([{ amount: TOTAL, state: "settled" }]);
      expect([...till.paidOut.values()]).toEqual([TOTAL]);
      expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
      // Only a death or failure between the provider's answer and the mark asks again, under the same id.
      const answered = planned !== null && (planned.at === 2 || planned.at === 3);
      expect(till.asked.length).toBeLessThanOrEqual(answered ? 2 : 1);
      expect(new Set(till.asked).size).toBe(1);
    });
    expect(calls).toEqual(["D1.all", "D1.batch", "provider.refund", "D1.batch", "D1.run"]);
  });

  test("of a whole order is promised and sent once, however its worker ends", LONG, async () => {
    const calls = await atEveryCall(async (boundary) => {
      const till = await Till.open(1, 1);
      const order = await till.order();
      await tell(order);
      await till.drain();
      // Steps promise their refunds themselves now; a task of an earlier version may still be owed.
      const id = prefixed("wrk", systemIds.next());
      const payload = { order_id: order.id, amount: null, reason: "cancelled" };
      await owe({ id, task: "refund", object_id: order.id, payload });
      await till.work([id], boundary);
      await till.settle();
      expect(await refundRows(order.id)).toMatchObject([{ id: id.replace("wrk", "rfd"), state: "settled" }]);
      expect([...till.paidOut.values()]).toEqual([TOTAL]);
      expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "refunded" });
      expect(await reserved(till)).toEqual([1, 1]);
    });
    expect(calls).toEqual([
      "D1.all",
      "D1.batch",
      "D1.batch",
      "D1.batch",
      "provider.refund",
      "D1.batch",
      "D1.run",
    ]);
  });
});
