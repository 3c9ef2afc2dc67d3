import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { readOrder } from "../../../src/orders/read/find.ts";
import { cancelOrder } from "../../../src/orders/steps/cancel.ts";
import { giveBackEvent } from "../../../src/payments/give-back-event.ts";
import { oweRefund, refundsBy } from "../../../src/payments/owe-refund.ts";
import { settleAgain } from "../../../src/payments/settle-again.ts";
import { Operation } from "../../../src/platform/idempotency.ts";
import { systemIds } from "../../../src/platform/ids.ts";
import { givenFlagged, givenUnmatched, notices } from "../../payments/settle/by-staff.ts";
import { atEveryCall, LONG, TOTAL } from "../../payments/settle/endings.ts";
import {
  eventRow,
  HOUR,
  openPayment,
  orderRow,
  paymentRows,
  refundRows,
  rows,
  Till,
  tell,
} from "../../payments/settle/till.ts";
import { testClock } from "../../support/clock.ts";
import { Boundary } from "../boundary.ts";

/** Death at every await of what staff do about payment events, and of the letters that they are owed. */

/** Does it once under the boundary, gives up on a worker that dies in it, and answers what the repeat is answered. */
async function twice<T>(run: (boundary: Boundary) => Promise<T>, boundary: Boundary): Promise<T> {
  await Promise.race([run(boundary).catch(() => {}), boundary.still()]);
  const repeated = await run(new Boundary());
  await boundary.deliver();
  return repeated;
}

test("a payment that is given back goes back once, however its worker ends", LONG, async () => {
  const calls = await atEveryCall(async (boundary) => {
    const till = await Till.open(1, 1);
    const { order, eventId, operation } = await givenFlagged(till);
    const command = { operation: new Operation(systemIds.next()), reason: null };
    const event = { provider: "standard", eventId };
    const outcome = await twice(
      (under) => giveBackEvent(till.context(under).context, event, command),
      boundary,
    );
    expect(outcome?.kind).toBe("given_back");
    await till.mustHold();
    const again = { operation: new Operation(systemIds.next()), reason: null };
    expect((await giveBackEvent(till.context().context, event, again)).kind).toBe("not_flagged");
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "pending", version: 4, events_owed: 0 });
    await till.settle();
    expect([...till.paidOut]).toEqual([[`rfd_${operation}`, 500]]);
    expect(await refundRows(order.id)).toMatchObject([{ amount: 500, state: "settled" }]);
    expect(await eventRow(eventId)).toMatchObject({ state: "done", outcome: "given_back" });
  });
  expect(calls).toEqual(["D1.batch", "D1.batch"]);
});

test("an event that is matched is worked off once, however its worker ends", LONG, async () => {
  const calls = await atEveryCall(async (boundary) => {
    const till = await Till.open(1, 1);
    const order = await till.order();
    const { eventId } = await givenUnmatched(till, { amount: TOTAL });
    const command = { operation: new Operation(systemIds.next()), order: order.reference };
    const event = { provider: "standard", eventId };
    const outcome = await twice(
      (under) => settleAgain(till.context(under).context, event, command),
      boundary,
    );
    expect(outcome?.kind).toBe("owed_again");
    expect(await orderRow(order.id)).toMatchObject({ events_owed: 1 });
    await till.mustHold();
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({
      status: "confirmed",
      payment_status: "paid",
      version: 2,
    });
    expect(await paymentRows(order.id)).toMatchObject([{ captured: TOTAL }]);
    const lines = await rows(
      "SELECT id FROM events WHERE type = 'payment.matched' AND object_id = ?1",
      eventId,
    );
    expect(lines).toHaveLength(1);
    await till.settle();
  });
  expect(calls).toEqual(["D1.batch", "D1.batch"]);
});

test("staff are owed one letter for an event, however its worker ends", LONG, async () => {
  const about = async (id: string) => (await notices()).filter((notice) => notice.object_id === id);
  await atEveryCall(async (boundary) => {
    const till = await Till.open(1, 1);
    const order = await till.order();
    const { workId } = await tell(order, { amount: 500 });
    await till.work([workId], boundary);
    await boundary.deliver();
    await till.settle();
    expect(await about(order.id)).toHaveLength(1);
  });
  await atEveryCall(async (boundary) => {
    const till = await Till.open(1, 1);
    const { eventId, workId } = await givenUnmatched(till, { amount: TOTAL }, boundary);
    await boundary.deliver();
    // Whoever dies in the last attempt leaves a dead letter, which is tried again by hand.
    testClock.advance(HOUR);
    await till.work([workId]);
    await env.DB.prepare("UPDATE work SET state = 'owed', attempts = 7 WHERE id = ?1 AND state = 'dead'")
      .bind(workId)
      .run();
    await till.settle();
    expect(await eventRow(eventId)).toMatchObject({ state: "unmatched" });
    expect(await about(eventId)).toHaveLength(1);
  });
});

test("a refund that was made at the provider is recorded once, however its worker ends", LONG, async () => {
  const calls = await atEveryCall(async (boundary) => {
    const till = await Till.open(1, 1);
    const order = await till.order();
    await tell(order);
    await till.drain();
    const { workId, operation } = await tell(order, { kind: "refunded", amount: 500 });
    await till.work([workId], boundary);
    await boundary.deliver();
    await till.mustHold();
    await till.settle();
    expect(await refundRows(order.id)).toMatchObject([
      { id: `rfd_${operation}`, amount: 500, state: "settled" },
    ]);
    expect(await paymentRows(order.id)).toMatchObject([{ captured: TOTAL, refunded: 500 }]);
    expect(await orderRow(order.id)).toMatchObject({ payment_status: "partially_refunded", version: 3 });
  });
  expect(calls).toEqual(["D1.all", "D1.batch", "D1.batch", "D1.run"]);
});

test(
  "a dead order's payment is ended, however the worker ends that cancels it, or that ends it",
  LONG,
  async () => {
    for (const who of ["cancel", "task"] as const) {
      const calls = await atEveryCall(async (boundary) => {
        const till = await Till.open(1, 1);
        const order = await till.order();
        const payment = { id: `pay_${order.id}`, provider: "stripe", providerId: `pi_${order.id}` };
        await openPayment(order, payment);
        const command = { operation: new Operation(systemIds.next()), reason: null, versions: null };
        const cancel = async (under: Boundary) => {
          const { context } = till.context(under);
          const current = await readOrder(context, order.id);
          return current && cancelOrder(context, { oweRefund, refundsBy }, current, command);
        };
        const outcome = await (who === "cancel" ? twice(cancel, boundary) : cancel(new Boundary()));
        expect(outcome?.kind).toBe("changed");
        const owed = await rows<{ id: string }>(
          "SELECT id FROM work WHERE task = 'end-payments' AND object_id = ?1",
          order.id,
        );
        expect(owed).toHaveLength(1);
        if (who === "task") await till.work([owed[0]?.id ?? ""], boundary);
        await boundary.deliver();
        await till.settle();
        expect(await paymentRows(order.id)).toMatchObject([{ status: "failed", captured: 0 }]);
        expect(new Set(till.ended)).toEqual(new Set([payment.providerId]));
        expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "awaiting" });
      });
      if (who === "task")
        expect(calls).toEqual(["D1.all", "D1.batch", "provider.cancel", "D1.run", "D1.run"]);
    }
  },
);
