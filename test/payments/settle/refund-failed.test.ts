import { describe, expect, test } from "vitest";
import { owe } from "../../events/rows.ts";
import { askUnder, read } from "../../orders/ask.ts";
import { post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import { eventRows, tellStandard, tellStripe } from "../tell.ts";
import { givenAnswered, mustHaveFailed, outcomeOf, SENT, SETTLED, tellRefund } from "./given-refund.ts";
import { eventTypes, openPayment, orderRow, paymentRows, QUIET, refundRows, rows, Till } from "./till.ts";

/** Refunds that fail at the provider, also after they were paid out: the money is the shop's again. */

const TOTAL = 1999;

/** For orders that are not the usual one. */
const askAnew = async (body?: unknown) =>
  askUnder(QUIET, "POST", "/payments/pay_1/refund", body, (await signIn("staff")).headers);

describe.each([
  ["sent", SENT, "refund_due"],
  ["settled", SETTLED, "partially_refunded"],
] as const)("a refund that is %s", (state, answer, before) => {
  test.each([
    ["refund.failed", "failed"],
    ["refund.updated", "failed"],
    ["refund.updated", "canceled"],
  ])("fails when Stripe says so by %s (%s), once in whatever words it is told", async (type, status) => {
    const given = await givenAnswered(answer);
    const { till, order, refund } = given;
    expect(await refundRows(order.id)).toMatchObject([{ id: refund.id, state }]);
    expect(await orderRow(order.id)).toMatchObject({ payment_status: before, version: 4 });

    expect((await tellRefund(type, status, given)).body).toEqual({ received: true });
    await till.drain();
    await mustHaveFailed(given);
    expect(await outcomeOf("re_1:failed")).toBe("done refund_failed");

    for (const again of ["refund.failed", "refund.updated"]) {
      expect((await tellRefund(again, "failed", given)).body).toEqual({ received: true, duplicate: true });
    }
    await till.drain();
    await mustHaveFailed(given);
    expect((await orderRow(order.id))?.version).toBe(5);
    expect(till.asked).toEqual([refund.id]);
  });
});

test("staff sees it in the order, its payments and its history, and the buyer where they may", async () => {
  const given = await givenAnswered(SETTLED);
  const { till, order, refund, staff } = given;
  await tellRefund("refund.failed", "failed", given);
  await till.drain();
  const payments = [
    {
      id: "pay_1",
      refunded: { amount: "0.00", currency: "USD" },
      refunds: [{ id: refund.id, status: "failed", amount: { amount: "4.50", currency: "USD" } }],
    },
  ];
  for (const headers of [staff, order.owner]) {
    expect((await read(`/orders/${order.id}`, headers)).body).toMatchObject({
      payment_status: "paid",
      payments,
    });
    expect((await read(`/orders/${order.id}/payments`, headers)).body.results).toMatchObject(payments);
    const history = (await read(`/orders/${order.id}/history`, headers)).body.results;
    expect(history.filter(({ version }: { version: number }) => version === 5)).toMatchObject([
      {
        // The reason of a refund may be a person's words, so it is for staff.
        reason: headers === staff ? "the refund failed at the provider" : null,
        snapshot: { payment_status: "paid" },
      },
    ]);
  }
  const [event] = await rows<{ data: string }>(
    "SELECT data FROM events WHERE type = 'payment.refund_failed'",
  );
  expect(JSON.parse(event?.data ?? "")).toMatchObject({
    payment_id: "pay_1",
    refund_id: refund.id,
    amount: 450,
    payment_status: "paid",
  });
});

test("staff asks again, and that is another refund, of a sum that is free", async () => {
  const given = await givenAnswered(SENT);
  const { till, order, refund, ask } = given;
  // While it is on its way its sum is not.
  expect((await ask({ amount: "19.99" })).body).toMatchObject({
    code: "refund_exceeds_captured",
    left: { amount: "15.49" },
  });
  await tellRefund("refund.failed", "failed", given);
  await till.drain();

  till.answer = () => ({ kind: "settled", providerId: "re_2" });
  const again = await ask({ amount: "19.99" });
  expect([again.status, again.body.id === refund.id]).toEqual([201, false]);
  await till.drain();
  expect(till.asked).toEqual([refund.id, again.body.id]);
  expect(await refundRows(order.id)).toMatchObject([
    { id: refund.id, state: "failed" },
    { id: again.body.id, amount: TOTAL, state: "settled" },
  ]);
  expect(await orderRow(order.id)).toMatchObject({ payment_status: "refunded" });
  // News of the first one touch the second as little as the other way round.
  await tellRefund("refund.updated", "succeeded", given);
  await till.drain();
  expect(await orderRow(order.id)).toMatchObject({ payment_status: "refunded", events_owed: 0 });
  await till.settle();
});

test("of an order that is dead, its money is due back still", async () => {
  const till = await Till.open(3);
  const order = await till.order();
  await openPayment(order, { id: "pay_1", provider: "stripe", providerId: "pi_1" });
  const paid = { id: "pi_1", amount: TOTAL, currency: "usd" };
  await tellStripe({
    id: "evt_paid",
    object: "event",
    type: "payment_intent.succeeded",
    data: { object: paid },
  });
  await till.drain();
  till.answer = () => SETTLED;
  await post(`/orders/${order.id}/cancel`, {}, { "X-Order-Token": order.access_token ?? "" });
  await till.drain();
  expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "refunded" });

  const [refund] = await refundRows(order.id);
  const metadata = { refund_id: refund?.id, order_id: order.id };
  const object = {
    id: "re_1",
    amount: TOTAL,
    currency: "usd",
    status: "failed",
    payment_intent: "pi_1",
    metadata,
  };
  await tellStripe({ id: "evt_late", object: "event", type: "refund.failed", data: { object } });
  await till.drain();
  expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "refund_due" });
  await till.mustHold(true);
  till.answer = () => ({ kind: "settled", providerId: "re_2" });
  expect((await askAnew()).status).toBe(201);
  await till.settle();
  expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "refunded" });
});

test("fifty webhooks at once, worked off by twenty tasks at once, fail it once", async () => {
  const given = await givenAnswered(SETTLED);
  const { till, order } = given;
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => tellRefund("refund.failed", "failed", given)),
  );
  expect(answers.filter(({ body }) => body.duplicate === undefined)).toHaveLength(1);
  const payload = { provider: "stripe", event_id: "re_1:failed" };
  const twins = Array.from({ length: 20 }, (_, index) => `wrk_twin_${index}`);
  await owe(...twins.map((id) => ({ id, task: "payment-event" as const, object_id: order.id, payload })));
  await Promise.all(twins.map((id) => till.work([id])));
  await till.drain();
  await mustHaveFailed(given);
  expect((await orderRow(order.id))?.version).toBe(5);
});

test("of two refunds the one that failed comes back, and the other stays", async () => {
  const given = await givenAnswered(SETTLED);
  const { till, order, ask } = given;
  till.answer = () => ({ kind: "settled", providerId: "re_2" });
  await ask({ amount: "10.00" });
  await till.drain();
  await tellRefund("refund.failed", "failed", given);
  await till.drain();
  expect((await refundRows(order.id)).map(({ state }) => state)).toEqual(["failed", "settled"]);
  expect(await paymentRows(order.id)).toMatchObject([{ refunded: 1000 }]);
  expect(await orderRow(order.id)).toMatchObject({ payment_status: "partially_refunded" });
  await till.settle();
});

test.each<[string, Record<string, unknown>]>([
  ["another amount", { amount: 449 }],
  ["another currency", { currency: "eur" }],
  ["another refund of Stripe's under its name", { id: "re_9" }],
  ["one that was made by hand", { id: "re_9", metadata: {} }],
])("a failure of %s is flagged, and frees nothing", async (_what, changed) => {
  const given = await givenAnswered(SETTLED);
  const { till, order } = given;
  await tellRefund("refund.failed", "failed", given, changed);
  await till.drain();
  const [event] = (await eventRows()).filter(({ kind }) => kind === "refund_failed");
  expect(event).toMatchObject({ order_id: order.id, state: "flagged", outcome: "unknown_refund" });
  expect(await refundRows(order.id)).toMatchObject([{ state: "settled" }]);
  expect((await eventTypes(order.id)).at(-1)).toBe("payment.flagged");
  await till.settle();
});

test("a standard provider says it by status, and a success after that is for staff to see", async () => {
  const till = await Till.open(3);
  const order = await till.order();
  await openPayment(order, { id: "pay_1" });
  const about = { reference: order.reference, amount: 450 };
  await tellStandard({ ...about, event_id: "e1", status: "success", amount: TOTAL });
  await till.drain();
  till.answer = () => ({ kind: "sent", providerId: "evt_1" });
  const refund = (await askAnew({ amount: "4.50" })).body;
  await till.drain();
  const failed = { ...about, event_id: "e2", status: "refund_failed", refund_id: refund.id };
  expect((await tellStandard(failed)).body).toEqual({ received: true });
  expect((await tellStandard(failed)).body).toEqual({ received: true, duplicate: true });
  await till.drain();
  expect(await outcomeOf("e2")).toBe("done refund_failed");
  expect(await refundRows(order.id)).toMatchObject([{ state: "failed" }]);
  expect(await orderRow(order.id)).toMatchObject({ payment_status: "paid", events_owed: 0 });
  await tellStandard({ ...failed, event_id: "e3" });
  await tellStandard({ ...failed, event_id: "e4", status: "refunded" });
  await till.drain();
  expect([await outcomeOf("e3"), await outcomeOf("e4")]).toEqual([
    "done already_failed",
    "flagged unknown_refund",
  ]);
  expect(await paymentRows(order.id)).toMatchObject([{ refunded: 0 }]);
  expect((await eventTypes(order.id)).filter((type) => type === "payment.refund_failed")).toHaveLength(1);
  await till.settle();
});
