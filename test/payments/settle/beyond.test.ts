import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { setSelling } from "../../../src/ops/selling/selling.ts";
import { Boundary } from "../../chaos/boundary.ts";
import { testClock } from "../../support/clock.ts";
import { post } from "../../support/shop.ts";
import {
  eventRow,
  MINUTE,
  openPayment,
  orderRow,
  paymentRows,
  refundRows,
  rows,
  Till,
  tell,
} from "./till.ts";

const TOTAL = 1999;
const UNPAID = { status: "pending", payment_status: "awaiting", version: 1 };

describe("money that its order cannot use goes back", () => {
  test("a second payment, all of it", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    await openPayment(order, { id: "pay_1" });
    await tell(order);
    await till.drain();
    testClock.advance(1_000);
    const { eventId, operation, workId } = await tell(order);
    await till.work([workId]);
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "refund_due" });
    expect(await eventRow(eventId)).toMatchObject({ state: "done", outcome: "second_payment" });
    expect(await refundRows(order.id)).toEqual([
      {
        id: `rfd_${operation}`,
        payment_id: `pay_${operation}`,
        amount: TOTAL,
        state: "due",
        reason: "a second payment",
      },
    ]);
    await till.mustHold();
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    expect(await paymentRows(order.id)).toMatchObject([
      { id: "pay_1", captured: TOTAL, refunded: 0 },
      { id: `pay_${operation}`, captured: TOTAL, refunded: TOTAL },
    ]);
    await till.settle();
    expect(till.asked).toEqual([`rfd_${operation}`]);
    expect(till.mails).toEqual([order.id]);
  });

  test("two payments at once: one pays, the other goes back", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    const [first, second] = [await tell(order), await tell(order)];
    await Promise.all([till.work([first.workId]), till.work([second.workId])]);
    const outcomes = [await eventRow(first.eventId), await eventRow(second.eventId)];
    expect(outcomes.map((row) => row?.outcome).sort()).toEqual(["paid", "second_payment"]);
    await till.settle();
    expect(till.paidOut.size).toBe(1);
    expect(await orderRow(order.id)).toMatchObject({
      status: "confirmed",
      payment_status: "paid",
      events_owed: 0,
    });
  });

  test("for a cancelled order", async () => {
    const till = await Till.open(3);
    const order = await till.order();
    const { eventId, operation } = await tell(order);
    const token = { "X-Order-Token": order.access_token ?? "" };
    expect((await post(`/orders/${order.id}/cancel`, {}, token)).status).toBe(200);
    await till.drain();
    expect(await eventRow(eventId)).toMatchObject({ state: "done", outcome: "refund_due" });
    expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "refunded" });
    expect(await refundRows(order.id)).toMatchObject([
      { id: `rfd_${operation}`, amount: TOTAL, state: "settled" },
    ]);
    await till.settle();
    expect(till.mails).toEqual([]);
  });

  test("for a rejected order", async () => {
    const till = await Till.open(0);
    const refused = await post("/orders", {
      items: [{ product_id: till.productIds[0], quantity: 1 }],
      customer: { name: "Ada", email: "ada@shop.example" },
    });
    const { order } = await refused.json<{ order: { id: string; reference: string } }>();
    await tell(order);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "rejected", payment_status: "refunded" });
    await till.settle();
    expect(till.paidOut.size).toBe(1);
  });
});

describe("a late payment", () => {
  async function givenExpired(till: Till) {
    const order = await till.order();
    testClock.advance(31 * MINUTE);
    await till.expire();
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "expired", version: 2 });
    return order;
  }

  test("revives its order under a new claim where the stock is there", async () => {
    const till = await Till.open(1, 1);
    const order = await givenExpired(till);
    const before = await orderRow(order.id);
    expect(before?.revival_claim).toBeNull();
    const { eventId } = await tell(order);
    await till.drain();
    const after = await orderRow(order.id);
    expect(after).toMatchObject({ status: "confirmed", payment_status: "paid", version: 3 });
    expect(after).toMatchObject({ expires_at: null, events_owed: 0, revival_claim: after?.claim_id });
    expect(after?.claim_id).not.toBe(before?.claim_id);
    expect(await eventRow(eventId)).toMatchObject({ state: "done", outcome: "late_paid" });
    expect(await rows("SELECT fate, order_id FROM claims WHERE id = ?1", after?.claim_id)).toEqual([
      { fate: "placed", order_id: order.id },
    ]);
    await till.settle();
    expect(till.mails).toEqual([order.id]);
    for (const id of till.productIds) {
      expect(await stockOf(env, id).levels()).toMatchObject({ on_hand: 1, reserved: 1 });
    }
  });

  test("that comes while the expired order still holds its units gets those very units", async () => {
    const till = await Till.open(1);
    const order = await till.order();
    testClock.advance(31 * MINUTE);
    await till.expire();
    const { workId } = await tell(order);
    expect(await stockOf(env, till.productIds[0] ?? "").levels()).toMatchObject({ reserved: 1 });
    await till.work([workId]);
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    await till.settle();
  });

  test("goes back where the stock is gone, and holds nothing", async () => {
    const till = await Till.open(2, 1);
    const order = await givenExpired(till);
    await till.order({ payment_method: "invoice" });
    const { eventId, operation, workId } = await tell(order);
    await till.work([workId]);
    expect(await orderRow(order.id)).toMatchObject({
      status: "expired",
      payment_status: "refund_due",
      version: 3,
      events_owed: 0,
    });
    expect(await eventRow(eventId)).toMatchObject({ state: "done", outcome: "refund_due" });
    const tried = (await orderRow(order.id))?.revival_claim;
    expect(await rows("SELECT fate FROM claims WHERE id = ?1", tried)).toEqual([{ fate: "rejected" }]);
    expect(await stockOf(env, till.productIds[0] ?? "").levels()).toMatchObject({ on_hand: 2, reserved: 1 });
    await till.settle();
    expect(await orderRow(order.id)).toMatchObject({ status: "expired", payment_status: "refunded" });
    expect([...till.paidOut]).toEqual([[`rfd_${operation}`, TOTAL * 2]]);
  });

  test("of two at once revives once, and the other goes back", async () => {
    const till = await Till.open(1);
    const order = await givenExpired(till);
    const [first, second] = [await tell(order), await tell(order)];
    await Promise.all([till.work([first.workId]), till.work([second.workId])]);
    await till.settle();
    expect(await orderRow(order.id)).toMatchObject({
      status: "confirmed",
      payment_status: "paid",
      events_owed: 0,
    });
    expect(till.paidOut.size).toBe(1);
  });

  test("of two whose workers stall in each other's way revives: both try with one claim", async () => {
    const till = await Till.open(1, 1);
    const order = await givenExpired(till);
    const [first, second] = [await tell(order), await tell(order)];
    // One holds the first product and has yet to ask for the second; the other asked for both, and has yet to record.
    const [asking, recording] = [
      new Boundary({ at: 7, ending: "stalls" }),
      new Boundary({ at: 4, ending: "stalls" }),
    ];
    await till.work([first.workId], asking);
    expect(asking.calls.slice(6)).toEqual(["Stock.reserve", "Stock.reserve"]);
    await till.work([second.workId], recording);
    expect(recording.calls).toEqual(["D1.all", "D1.batch", "Stock.reserve", "Stock.reserve", "D1.batch"]);
    asking.wake();
    await expect.poll(async () => (await eventRow(first.eventId))?.state).toBe("done");
    recording.wake();
    await expect.poll(async () => (await eventRow(second.eventId))?.state).toBe("done");
    await till.settle();
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    expect(await eventRow(second.eventId)).toMatchObject({ outcome: "second_payment" });
    expect([...till.paidOut]).toEqual([[`rfd_${second.operation}`, TOTAL * 2]]);
  });

  test("takes nothing from a store that its buyer did not name", async () => {
    const till = await Till.open([1, 1]);
    const [apple = ""] = till.productIds;
    const [named = "", other = ""] = till.storeIds;
    const order = await till.order({ store_id: named });
    testClock.advance(31 * MINUTE);
    await till.expire();
    await till.drain();
    await till.order({ store_id: named, payment_method: "invoice" });
    await tell(order);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "expired", payment_status: "refunded" });
    expect((await stockOf(env, apple).levels()).stores).toContainEqual(
      expect.objectContaining({ store_id: other, reserved: 0 }),
    );
    await till.settle();
  });

  test("waits while selling is stopped, and holds nothing meanwhile", async () => {
    const till = await Till.open(1);
    const order = await givenExpired(till);
    await setSelling(till.context().context, "stopped");
    const { eventId, workId } = await tell(order);
    await till.work([workId]);
    expect(await eventRow(eventId)).toMatchObject({ state: "owed" });
    expect(await stockOf(env, till.productIds[0] ?? "").levels()).toMatchObject({ reserved: 0 });
    await setSelling(till.context().context, "open");
    testClock.advance(MINUTE);
    await till.work([workId]);
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    await till.settle();
  });

  test("after one that went back revives once there is stock again", async () => {
    const till = await Till.open(1);
    const order = await givenExpired(till);
    const other = await till.order();
    await tell(order);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "expired", payment_status: "refunded" });
    await post(`/orders/${other.id}/cancel`, {}, { "X-Order-Token": other.access_token ?? "" });
    await tell(order);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    await till.settle();
  });
});

describe("a payment whose task died", () => {
  test("holds its order open no longer, and is a late payment when it is tried again", async () => {
    const till = await Till.open(1);
    const order = await till.order();
    const { eventId, workId } = await tell(order);
    await env.DB.prepare(
      "UPDATE work SET state = 'dead', attempts = 8, finished_at = ?2, error = 'planted' WHERE id = ?1",
    )
      .bind(workId, testClock.now())
      .run();
    await till.expire();
    expect(await orderRow(order.id)).toMatchObject({ ...UNPAID, events_owed: 1 });
    testClock.advance(31 * MINUTE);
    await till.expire();
    expect(await orderRow(order.id)).toMatchObject({ status: "expired", events_owed: 0 });
    expect(await eventRow(eventId)).toMatchObject({ state: "owed", outcome: "set_aside" });
    await till.expire();
    expect(await orderRow(order.id)).toMatchObject({ events_owed: 0, version: 2 });

    await env.DB.prepare("UPDATE work SET state = 'owed', attempts = 0 WHERE id = ?1").bind(workId).run();
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({
      status: "confirmed",
      payment_status: "paid",
      events_owed: 0,
    });
    await till.settle();
  });
});
