import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { MAX_ATTEMPTS } from "../../../src/events/backoff.ts";
import { stockOf } from "../../../src/inventory/client.ts";
import { owe, workRow } from "../../events/rows.ts";
import { HISTORY } from "../../orders/history-rows.ts";
import { testClock } from "../../support/clock.ts";
import {
  eventRow,
  eventTypes,
  MINUTE,
  openPayment,
  orderRow,
  paymentRows,
  rows,
  Till,
  tell,
} from "./till.ts";

const TOTAL = 1999;
const UNPAID = { status: "pending", payment_status: "awaiting", version: 1 };

describe("a payment in time", () => {
  test("confirms its order, takes the money into the open payment, and owes one mail", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    await openPayment(order, { id: "pay_1" });
    const { eventId } = await tell(order);
    await till.drain();

    expect(await orderRow(order.id)).toMatchObject({
      status: "confirmed",
      payment_status: "paid",
      version: 2,
      expires_at: null,
      events_owed: 0,
    });
    expect(await eventRow(eventId)).toEqual({ state: "done", outcome: "paid", order_id: order.id });
    expect(await paymentRows(order.id)).toEqual([
      {
        id: "pay_1",
        provider: "standard",
        provider_id: null,
        status: "succeeded",
        captured: TOTAL,
        refunded: 0,
      },
    ]);
    expect(await eventTypes(order.id)).toEqual(["order.placed", "order.paid"]);
    const history = await rows(
      `SELECT version, from_status, to_status, reason, snapshot FROM ${HISTORY} ORDER BY version`,
    );
    expect(history[1]).toMatchObject({ version: 2, from_status: "pending", to_status: "confirmed" });
    expect(JSON.parse(String(history[1]?.snapshot))).toMatchObject({
      payment_status: "paid",
      expires_at: null,
    });
    await till.settle();
    expect(till.mails).toEqual([order.id]);
  });

  test("that nobody opened gets a payment named after its event", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    const { operation } = await tell(order, { provider: "stripe", providerId: "pi_1", currency: "usd" });
    await till.drain();
    expect(await paymentRows(order.id)).toEqual([
      {
        id: `pay_${operation}`,
        provider: "stripe",
        provider_id: "pi_1",
        status: "succeeded",
        captured: TOTAL,
        refunded: 0,
      },
    ]);
    await till.settle();
  });

  test("is found by the provider's name for it among several", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    await openPayment(order, { id: "pay_1", provider: "stripe", providerId: "pi_1" });
    await openPayment(order, { id: "pay_2", provider: "stripe", providerId: "pi_2" });
    await tell(order, { provider: "stripe", providerId: "pi_1" });
    await till.drain();
    expect(await paymentRows(order.id)).toMatchObject([
      { id: "pay_1", status: "succeeded", captured: TOTAL },
      { id: "pay_2", status: "open", captured: 0 },
    ]);
    // The same payment in other words is no second one.
    const again = await tell(order, { provider: "stripe", providerId: "pi_1" });
    await till.drain();
    expect(await eventRow(again.eventId)).toMatchObject({ state: "done", outcome: "already_captured" });
    expect((await orderRow(order.id))?.version).toBe(2);
    await till.settle();
  });

  test("told before the deadline and worked off long after pays", async () => {
    const till = await Till.open(1);
    const order = await till.order();
    testClock.advance(30 * MINUTE - 1);
    await tell(order);
    testClock.advance(5 * 60 * MINUTE);
    await till.expire();
    expect(await orderRow(order.id)).toMatchObject({ ...UNPAID, events_owed: 1 });
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    await till.settle();
    expect(await stockOf(env, till.productIds[0] ?? "").levels()).toMatchObject({ on_hand: 1, reserved: 1 });
  });

  test("for an invoice is noted on the order as it stands", async () => {
    const till = await Till.open(3);
    const order = await till.order({ payment_method: "invoice" });
    await tell(order);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({
      status: "confirmed",
      payment_status: "paid",
      version: 2,
    });
    await till.settle();
    // Its confirmation, and that it is paid.
    expect(till.mails.length).toBeLessThanOrEqual(2);
  });

  test("of which twenty tasks tell at once is taken once", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    const { eventId, workId } = await tell(order);
    const payload = { provider: "standard", event_id: eventId };
    const twins = Array.from({ length: 19 }, (_, index) => `wrk_twin_${index}`);
    await owe(...twins.map((id) => ({ id, task: "payment-event" as const, object_id: order.id, payload })));
    await Promise.all([workId, ...twins].map((id) => till.work([id])));
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", version: 2, events_owed: 0 });
    await till.settle();
    expect(till.mails).toEqual([order.id]);
  });
});

describe("a payment that failed", () => {
  test("leaves its order waiting, and a later one pays", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    await openPayment(order, { id: "pay_1" });
    const failed = await tell(order, { kind: "failed" });
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({
      status: "pending",
      payment_status: "failed",
      version: 2,
    });
    expect((await orderRow(order.id))?.expires_at).not.toBeNull();
    expect(await eventRow(failed.eventId)).toMatchObject({ state: "done", outcome: "failed" });
    expect(await paymentRows(order.id)).toMatchObject([{ id: "pay_1", status: "failed" }]);

    await tell(order);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({
      status: "confirmed",
      payment_status: "paid",
      version: 3,
    });
    expect(await paymentRows(order.id)).toMatchObject([
      { id: "pay_1", status: "succeeded", captured: TOTAL },
    ]);
    await till.settle();
  });

  test("after it succeeded stays paid", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    await tell(order);
    await till.drain();
    const { eventId } = await tell(order, { kind: "failed" });
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ payment_status: "paid", version: 2, events_owed: 0 });
    expect(await eventRow(eventId)).toMatchObject({ state: "done", outcome: "no_effect" });
    await till.settle();
  });

  test("lets its order expire", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    await tell(order, { kind: "failed" });
    await till.drain();
    testClock.advance(31 * MINUTE);
    await till.expire();
    expect(await orderRow(order.id)).toMatchObject({ status: "expired", payment_status: "failed" });
    await till.settle();
  });
});

describe("a payment of something else", () => {
  test.each([
    [{ amount: TOTAL - 1 }, "wrong_amount"],
    [{ amount: TOTAL + 1 }, "wrong_amount"],
    [{ currency: "EUR" }, "wrong_currency"],
  ])("%j is flagged for staff and never paid", async (event, outcome) => {
    const till = await Till.open(3);
    const order = await till.order();
    const { eventId } = await tell(order, event);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ ...UNPAID, version: 2, events_owed: 0 });
    expect(await eventRow(eventId)).toMatchObject({ state: "flagged", outcome });
    expect(await paymentRows(order.id)).toEqual([]);
    expect(await eventTypes(order.id)).toEqual(["order.placed", "payment.flagged"]);
    // It counts as worked off.
    testClock.advance(31 * MINUTE);
    await till.expire();
    expect(await orderRow(order.id)).toMatchObject({ status: "expired" });
    await till.settle();
  });

  test("for an unknown order is looked up again, and then kept for staff", async () => {
    const till = await Till.open(3);
    const { eventId, workId } = await tell(null, { amount: 100 });
    for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
      await till.work([workId]);
      expect(await workRow(workId)).toMatchObject({ state: "owed", attempts: attempt });
      expect(await eventRow(eventId)).toMatchObject({ state: "owed" });
      testClock.advance(24 * 60 * MINUTE);
    }
    await till.work([workId]);
    expect(await workRow(workId)).toMatchObject({ state: "done", attempts: MAX_ATTEMPTS });
    expect(await eventRow(eventId)).toEqual({ state: "unmatched", outcome: "unmatched", order_id: null });
    expect(await eventTypes(eventId)).toEqual(["payment.unmatched"]);
    await till.settle();
  });

  test("whose order is known by the next look pays it", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    const { eventId } = await tell(null, { reference: order.reference.toLowerCase(), amount: TOTAL });
    await till.drain();
    expect(await eventRow(eventId)).toEqual({ state: "done", outcome: "paid", order_id: order.id });
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", events_owed: 0 });
    await till.settle();
  });
});
