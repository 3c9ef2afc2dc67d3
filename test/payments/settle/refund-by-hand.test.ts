import { expect, test } from "vitest";
import { owe } from "../../events/rows.ts";
import { askUnder } from "../../orders/ask.ts";
import { post } from "../../support/shop.ts";
import { tellStandard, tellStripe } from "../tell.ts";
import { notices } from "./by-staff.ts";
import { givenAnswered, givenDue, outcomeOf, SENT, SETTLED, tellRefund } from "./given-refund.ts";
import { eventRow, eventTypes, orderRow, paymentRows, QUIET, refundRows, rows, Till, tell } from "./till.ts";

/** Refunds that somebody makes on the provider's own page, and that nobody asked us for. */

const TOTAL = 1999;

/** An order that was paid by Stripe's `pi_1`, all of which is left. */
async function givenPaid() {
  const given = await givenDue();
  given.till.answer = () => ({ kind: "refused", error: "planted" });
  await given.till.drain();
  const cancel = () => post(`/orders/${given.order.id}/cancel`, {}, given.order.owner);
  return { ...given, cancel };
}

/** What Stripe tells of a refund of `pi_1` that names none of ours. */
function tellByHand(id: string, amount: number, changed: Record<string, unknown> = {}) {
  const object = { id, amount, currency: "usd", status: "succeeded", payment_intent: "pi_1", ...changed };
  return tellStripe({ id: `evt_of_${id}`, object: "event", type: "refund.created", data: { object } });
}

const settled = async (orderId: string) =>
  (await refundRows(orderId)).filter(({ state }) => state === "settled").map(({ amount }) => amount);

test("a refund of all is recorded, and a cancel promises nothing that is gone", async () => {
  const { till, order, cancel } = await givenPaid();
  await tellByHand("re_9", TOTAL);
  await till.drain();
  expect(await outcomeOf("re_9")).toBe("done refund_recorded");
  const [event] = await rows<{ operation: string }>(
    "SELECT operation FROM payment_events WHERE event_id = 're_9'",
  );
  expect((await refundRows(order.id)).filter(({ state }) => state === "settled")).toEqual([
    {
      id: `rfd_${event?.operation}`,
      payment_id: "pay_1",
      amount: TOTAL,
      state: "settled",
      reason: "made at the payment provider",
    },
  ]);
  expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "refunded" });
  expect(await paymentRows(order.id)).toMatchObject([{ captured: TOTAL, refunded: TOTAL }]);
  expect((await eventTypes(order.id)).at(-1)).toBe("payment.refunded");
  till.asked.length = 0;
  expect((await cancel()).status).toBe(200);
  await till.drain();
  expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "refunded" });
  expect(till.asked).toEqual([]);
  await till.settle();
});

test("of parts each counts, until no more is left", async () => {
  const { till, order, cancel } = await givenPaid();
  await tellByHand("re_9", 500);
  await tellByHand("re_10", 500);
  await till.drain();
  expect(await settled(order.id)).toEqual([500, 500]);
  expect(await orderRow(order.id)).toMatchObject({ payment_status: "partially_refunded" });
  await tellByHand("re_11", 1000);
  await till.drain();
  expect(await outcomeOf("re_11")).toBe("flagged unknown_refund");
  till.answer = () => SETTLED;
  await cancel();
  await till.drain();
  expect(await settled(order.id)).toEqual([500, 500, 999]);
  expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "refunded" });
  await till.settle();
});

test("is no refund of ours, though it is of the same amount", async () => {
  for (const answer of [SENT, SETTLED]) {
    const given = await givenAnswered(answer);
    const { till, order, refund } = given;
    await tellByHand("re_9", 450);
    await till.drain();
    expect(await refundRows(order.id)).toMatchObject([
      { id: refund.id, state: answer.kind },
      { amount: 450, state: "settled" },
    ]);
    await tellRefund("refund.updated", "succeeded", given);
    await till.drain();
    expect(await settled(order.id)).toEqual([450, 450]);
    expect(await paymentRows(order.id)).toMatchObject([{ captured: TOTAL, refunded: 900 }]);
    await till.settle();
    await rows("DELETE FROM payment_events");
    await rows("DELETE FROM payments");
    await rows("DELETE FROM refunds");
    await rows("DELETE FROM orders");
  }
});

test("is recorded once, however often it is told and by however many worked off", async () => {
  const { till, order } = await givenPaid();
  const answers = await Promise.all(Array.from({ length: 20 }, () => tellByHand("re_9", 500)));
  expect(answers.filter(({ body }) => body.duplicate === undefined)).toHaveLength(1);
  const payload = { provider: "stripe", event_id: "re_9" };
  const twins = Array.from({ length: 20 }, (_, index) => `wrk_twin_${index}`);
  await owe(...twins.map((id) => ({ id, task: "payment-event" as const, object_id: order.id, payload })));
  await Promise.all(twins.map((id) => till.work([id])));
  await till.drain();
  expect(await settled(order.id)).toEqual([500]);
  await till.settle();
});

test("against one of ours at the same moment, no more goes back than came", async () => {
  const { till, order, ask } = await givenPaid();
  till.answer = () => SETTLED;
  await tellByHand("re_9", 1500);
  const [work] = await rows<{ id: string }>(
    "SELECT id FROM work WHERE task = 'payment-event' AND state = 'owed'",
  );
  const [asked] = await Promise.all([ask({ amount: "10.00" }), till.work([work?.id ?? ""])]);
  const outcome = await outcomeOf("re_9");
  expect([`201 flagged unknown_refund`, `409 done refund_recorded`]).toContain(`${asked.status} ${outcome}`);
  await till.settle();
  const [payment] = await paymentRows(order.id);
  expect(payment?.refunded).toBe(asked.status === 201 ? 1000 : 1500);
});

test("that failed after all gives its sum back to the payment, and says so", async () => {
  const { till, order, ask } = await givenPaid();
  await tellByHand("re_9", TOTAL);
  await till.drain();
  const before = (await notices()).length;
  await tellByHand("re_9", TOTAL, { status: "failed" });
  await till.drain();
  expect(await outcomeOf("re_9:failed")).toBe("done refund_failed");
  expect(await settled(order.id)).toEqual([]);
  expect(await orderRow(order.id)).toMatchObject({ payment_status: "paid" });
  expect((await notices()).length).toBe(before + 1);
  till.answer = () => SETTLED;
  expect((await ask({ amount: "19.99" })).status).toBe(201);
  await till.settle();
  expect(await orderRow(order.id)).toMatchObject({ payment_status: "refunded" });
});

test.each<[string, Record<string, unknown>]>([
  ["of more than was taken", { amount: TOTAL + 1 }],
  ["of nothing", { amount: 0 }],
  ["in another currency", { currency: "eur" }],
  ["under a name of ours that is not there", { metadata: { refund_id: "rfd_none" } }],
])("%s is flagged", async (_what, changed) => {
  const { till, order } = await givenPaid();
  await tellByHand("re_9", 500, changed);
  await till.drain();
  expect(await outcomeOf("re_9")).toBe("flagged unknown_refund");
  expect(await settled(order.id)).toEqual([]);
  await till.settle();
});

test("of a payment that took nothing is flagged", async () => {
  const till = await Till.open(3);
  const order = await till.order();
  const { eventId } = await tell(order, { kind: "refunded", amount: 5 });
  await till.drain();
  expect(await eventRow(eventId)).toMatchObject({ state: "flagged", outcome: "unknown_refund" });
  await till.settle();
});

test("a provider that names no payment is understood where only one can be meant", async () => {
  const till = await Till.open(3);
  const order = await till.order();
  const about = { reference: order.reference };
  await tellStandard({ ...about, event_id: "e1", status: "success", amount: TOTAL });
  await till.drain();
  await tellStandard({ ...about, event_id: "e2", status: "refunded", amount: 500 });
  await till.drain();
  expect(await outcomeOf("e2")).toBe("done refund_recorded");
  // A second payment, whose refund never got through: both have that much left.
  till.answer = () => ({ kind: "refused", error: "planted" });
  await tellStandard({ ...about, event_id: "e3", status: "success", amount: TOTAL });
  await till.drain();
  await tellStandard({ ...about, event_id: "e4", status: "refunded", amount: 500 });
  await tellStandard({ ...about, event_id: "e5", status: "refunded", amount: TOTAL });
  await till.drain();
  expect([await outcomeOf("e4"), await outcomeOf("e5")]).toEqual([
    "flagged unknown_refund",
    "done refund_recorded",
  ]);
  await till.settle();
  expect(
    (
      await askUnder(QUIET, "GET", `/orders/${order.id}`, undefined, {
        "X-Order-Token": order.access_token ?? "",
      })
    ).body,
  ).toMatchObject({ payment_status: "partially_refunded" });
});
