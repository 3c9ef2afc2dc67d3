import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { MAX_ATTEMPTS } from "../../../src/events/backoff.ts";
import { prefixed, systemIds } from "../../../src/platform/ids.ts";
import { owe, workRow } from "../../events/rows.ts";
import { answerOf, askUnder, refusalOf } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import {
  eventRow,
  eventTypes,
  MINUTE,
  openPayment,
  orderRow,
  paymentRows,
  QUIET,
  refundRows,
  rows,
  Till,
  tell,
} from "./till.ts";

const TOTAL = 1999;
let staff: Record<string, string> = {};

beforeEach(async () => {
  staff = (await signIn("staff")).headers;
});

/** An order that was paid by `pay_1`. */
async function givenPaid(paymentId = "pay_1") {
  const till = await Till.open(3);
  const order = await till.order();
  await openPayment(order, { id: paymentId });
  await tell(order);
  await till.drain();
  return { till, order };
}

const refund = (paymentId: string, body?: unknown, headers: Record<string, string> = {}) =>
  askUnder(QUIET, "POST", `/payments/${paymentId}/refund`, body, { ...staff, ...headers });

describe("a refund by staff", () => {
  test("of a part is due at once, then sent, and leaves the rest paid", async () => {
    const { till, order } = await givenPaid();
    const answer = await refund("pay_1", { amount: "4.50", reason: "a scratch" });
    expect([answer.status, answer.body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^rfd_[0-9a-z]{26}$/),
        payment_id: "pay_1",
        amount: { amount: "4.50", currency: "USD" },
        status: "due",
      },
    ]);
    expect(await orderRow(order.id)).toMatchObject({ payment_status: "refund_due", version: 3 });
    expect(await refundRows(order.id)).toEqual([
      { id: answer.body.id, payment_id: "pay_1", amount: 450, state: "due", reason: "a scratch" },
    ]);
    await till.mustHold();
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({
      status: "confirmed",
      payment_status: "partially_refunded",
      version: 4,
    });
    expect(await eventTypes(order.id)).toEqual([
      "order.placed",
      "order.paid",
      "payment.refund_due",
      "payment.refunded",
    ]);
    await till.settle();
    expect([...till.paidOut]).toEqual([[answer.body.id, 450]]);
  });

  test("without an amount is of all that is left", async () => {
    const { till, order } = await givenPaid();
    expect((await refund("pay_1", { amount: { amount: "9.99", currency: "usd" } })).status).toBe(201);
    expect((await refund("pay_1")).body.amount).toEqual({ amount: "10.00", currency: "USD" });
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "refunded" });
    const nothing = await refund("pay_1");
    expect(refusalOf(nothing)).toEqual([409, "refund_exceeds_captured"]);
    expect(nothing.body.left).toEqual({ amount: "0.00", currency: "USD" });
    await till.settle();
  });

  test("of more than is left is refused, and says what is", async () => {
    const { till } = await givenPaid();
    await refund("pay_1", { amount: "15.00" });
    const answer = await refund("pay_1", { amount: "5.00" });
    expect(refusalOf(answer)).toEqual([409, "refund_exceeds_captured"]);
    expect(answer.body.left).toEqual({ amount: "4.99", currency: "USD" });
    await till.mustHold();
  });

  test("of what was never captured is refused", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    await openPayment(order, { id: "pay_1" });
    expect(refusalOf(await refund("pay_1", { amount: "0.01" }))).toEqual([409, "refund_exceeds_captured"]);
    expect(refusalOf(await refund("pay_none"))).toEqual([404, "not_found"]);
  });

  test.each([
    [{ amount: "0" }, "amount"],
    [{ amount: "-1" }, "amount"],
    [{ amount: "1.999" }, "amount"],
    [{ amount: "1e3" }, "amount"],
    [{ amount: 5 }, "amount"],
    [{ amount: { amount: "1.00", currency: "EUR" } }, "amount.currency"],
    [{ reason: "" }, "reason"],
    [{ reason: "x".repeat(501) }, "reason"],
  ])("%j is no refund", async (body, field) => {
    await givenPaid();
    expect(refusalOf(await refund("pay_1", body))).toEqual([422, "invalid_body", field]);
    expect(await rows("SELECT id FROM refunds")).toEqual([]);
  });

  test("is not what is misspelt, which would be all that is left", async () => {
    await givenPaid();
    const misspelt = { amount: { amount: "1.00", curency: "EUR" } };
    for (const [body, field] of [
      [{ amounts: "1" }, "amounts"],
      [misspelt, "amount.curency"],
    ] as const) {
      expect(refusalOf(await refund("pay_1", body))).toEqual([422, "unknown_field", field]);
    }
    expect(await rows("SELECT id FROM refunds")).toEqual([]);
  });

  test("is for staff", async () => {
    await givenPaid();
    const customer = (await signIn()).headers;
    expect(refusalOf(await answerOf(post("/payments/pay_1/refund", {})))[0]).toBe(401);
    expect(refusalOf(await answerOf(post("/payments/pay_1/refund", {}, { ...customer })))[0]).toBe(403);
    expect(await rows("SELECT id FROM refunds")).toEqual([]);
  });

  test("under one key is one, in parallel, again, and where its first answer was never kept", async () => {
    const { till, order } = await givenPaid();
    const key = { "Idempotency-Key": "one-refund" };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => refund("pay_1", { amount: "1.00" }, key)),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    await env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
    expect((await refund("pay_1", { amount: "1.00" }, key)).body).toEqual(answers[0]?.body);
    expect(await refundRows(order.id)).toHaveLength(1);
    await till.settle();
    expect(till.asked).toHaveLength(1);
  });

  test("of thirty parts at once never exceeds what was captured", { timeout: 60_000 }, async () => {
    const { till, order } = await givenPaid();
    const answers = await Promise.all(Array.from({ length: 30 }, () => refund("pay_1", { amount: "1.00" })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(19);
    expect(answers.filter(({ body }) => body.code === "refund_exceeds_captured")).toHaveLength(11);
    expect(await paymentRows(order.id)).toMatchObject([{ captured: TOTAL, refunded: 1900 }]);
    await till.mustHold();
    await till.settle();
    expect(till.asked).toHaveLength(19);
    expect(await orderRow(order.id)).toMatchObject({
      payment_status: "partially_refunded",
      version: 2 + 19 * 2,
    });
  });
});

describe("the provider", () => {
  test("that only takes note settles it by an event that names it", async () => {
    const { till, order } = await givenPaid();
    till.answer = () => ({ kind: "sent", providerId: "re_1" });
    const due = await refund("pay_1", { amount: "4.50" });
    await till.drain();
    expect(await refundRows(order.id)).toMatchObject([{ state: "sent" }]);
    expect(await orderRow(order.id)).toMatchObject({ payment_status: "refund_due" });
    const { eventId } = await tell(order, { kind: "refunded", amount: 450, providerId: due.body.id });
    await till.drain();
    expect(await refundRows(order.id)).toMatchObject([{ state: "settled" }]);
    expect(await orderRow(order.id)).toMatchObject({ payment_status: "partially_refunded" });
    expect(await eventRow(eventId)).toMatchObject({ state: "done", outcome: "refunded" });
    const again = await tell(order, { kind: "refunded", amount: 450, providerId: "re_1" });
    await till.drain();
    expect(await eventRow(again.eventId)).toMatchObject({ state: "done", outcome: "already_settled" });
    await till.settle();
    expect(till.asked).toHaveLength(1);
  });

  test("that names none settles the oldest sent one of that amount, and what fits none is flagged", async () => {
    const { till, order } = await givenPaid();
    till.answer = () => ({ kind: "sent", providerId: null });
    const first = await refund("pay_1", { amount: "2.00" });
    testClock.advance(1);
    await refund("pay_1", { amount: "3.00" });
    testClock.advance(1);
    await refund("pay_1", { amount: "2.00" });
    await till.drain();
    const states = async () => (await refundRows(order.id)).map(({ state }) => state);
    await tell(order, { kind: "refunded", amount: 200 });
    await till.drain();
    expect(await states()).toEqual(["settled", "sent", "sent"]);
    expect((await refundRows(order.id))[0]?.id).toBe(first.body.id);
    const odd = await tell(order, { kind: "refunded", amount: 1300 });
    const euro = await tell(order, { kind: "refunded", amount: 200, currency: "EUR" });
    await till.drain();
    for (const { eventId } of [odd, euro]) {
      expect(await eventRow(eventId)).toMatchObject({ state: "flagged", outcome: "unknown_refund" });
    }
    expect(await states()).toEqual(["settled", "sent", "sent"]);
    await till.settle();
  });

  test("that tells of it before its sender could mark it settles it, and it is not sent again", async () => {
    const { till, order } = await givenPaid();
    const due = await refund("pay_1", { amount: "4.50" });
    const { workId } = await tell(order, { kind: "refunded", amount: 450, providerId: due.body.id });
    await till.work([workId]);
    expect(await refundRows(order.id)).toMatchObject([{ state: "settled" }]);
    await till.settle();
    expect(till.asked).toEqual([]);
  });

  test("that refuses puts it before staff and frees the sum", async () => {
    const { till, order } = await givenPaid();
    till.answer = () => ({ kind: "refused", error: "the card is gone" });
    await refund("pay_1");
    await till.drain();
    expect(await refundRows(order.id)).toMatchObject([{ amount: TOTAL, state: "failed" }]);
    expect(await paymentRows(order.id)).toMatchObject([{ captured: TOTAL, refunded: 0 }]);
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    expect((await eventTypes(order.id)).at(-1)).toBe("payment.refund_failed");
    await till.mustHold(true);
    till.answer = () => ({ kind: "settled", providerId: null });
    expect((await refund("pay_1")).status).toBe(201);
    await till.settle();
    expect(await orderRow(order.id)).toMatchObject({ payment_status: "refunded" });
  });

  test("that is down is asked again by the task's backoff, under the same id", async () => {
    const { till, order } = await givenPaid();
    let down = 3;
    till.answer = () =>
      down-- > 0 ? { kind: "failed", error: "down" } : { kind: "settled", providerId: null };
    await refund("pay_1");
    const [{ id: workId } = { id: "" }] = await rows<{ id: string }>(
      "SELECT id FROM work WHERE task = 'refund'",
    );
    for (let attempt = 1; attempt <= 3; attempt++) {
      await till.work([workId]);
      expect(await workRow(workId)).toMatchObject({ state: "owed", attempts: attempt, error: "down" });
      expect(await refundRows(order.id)).toMatchObject([{ state: "due" }]);
      testClock.advance(60 * MINUTE);
    }
    await till.settle();
    expect(till.asked).toHaveLength(4);
    expect(new Set(till.asked).size).toBe(1);
    expect(MAX_ATTEMPTS).toBeGreaterThan(4);
  });
});

describe("a refund of an order", () => {
  const owed = async (orderId: string, amount: number | null) => {
    const id = prefixed("wrk", systemIds.next());
    await owe({
      id,
      task: "refund",
      object_id: orderId,
      payload: { order_id: orderId, amount, reason: "closed" },
    });
    return id;
  };

  test("of an amount is promised on its payment, and no more than is left of it", async () => {
    const { till, order } = await givenPaid();
    const first = await owed(order.id, 1500);
    await till.drain();
    expect(await refundRows(order.id)).toEqual([
      {
        id: first.replace("wrk", "rfd"),
        payment_id: "pay_1",
        amount: 1500,
        state: "settled",
        reason: "closed",
      },
    ]);
    testClock.advance(1);
    await owed(order.id, 1500);
    await till.drain();
    expect(await paymentRows(order.id)).toMatchObject([{ captured: TOTAL, refunded: TOTAL }]);
    await owed(order.id, null);
    await till.settle();
    expect([...till.paidOut.values()]).toEqual([1500, 499]);
    expect(await orderRow(order.id)).toMatchObject({ payment_status: "refunded" });
  });

  test("that was never paid gives nothing back", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    const id = await owed(order.id, null);
    await till.drain();
    expect(await workRow(id)).toMatchObject({ state: "done" });
    expect(await orderRow(order.id)).toMatchObject({ version: 1 });
    expect(till.asked).toEqual([]);
  });

  test("by ten tasks at once promises no more than was captured", async () => {
    const { till, order } = await givenPaid();
    const ids = await Promise.all(Array.from({ length: 10 }, () => owed(order.id, 700)));
    await Promise.all(ids.map((id) => till.work([id])));
    await till.mustHold();
    await till.settle();
    expect([...till.paidOut.values()].sort()).toEqual([599, 700, 700]);
    expect(await paymentRows(order.id)).toMatchObject([{ refunded: TOTAL }]);
  });
});
