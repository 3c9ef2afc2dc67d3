import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { askUnder, refusalOf } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { basket, placed, post } from "../../support/shop.ts";
import { tellStandard } from "../tell.ts";
import { Desk } from "./by-staff.ts";
import { givenDue, outcomeOf } from "./given-refund.ts";
import { MINUTE, orderRow, paymentRows, QUIET, refundRows, rows, Till, tell } from "./till.ts";

/** What an order is to be paid with: nothing, or less than its total once a part of it was closed. */

let desk: Desk;
beforeEach(async () => {
  desk = await Desk.open();
});

describe("an order that costs nothing", () => {
  async function givenFree(more: Record<string, unknown> = {}) {
    const till = await Till.open(3);
    await env.DB.prepare("UPDATE products SET price = 0").run();
    const order = await till.order(more);
    return { till, order, owner: { "X-Order-Token": order.access_token ?? "" } };
  }

  test.each(["card", "invoice", "cash_on_delivery"])(
    "is confirmed at once (%s), and stays so",
    async (method) => {
      const { till, order } = await givenFree({ payment_method: method });
      expect(order).toMatchObject({
        status: "confirmed",
        payment_status: "none",
        payment_method: method,
        expires_at: null,
      });
      testClock.advance(31 * MINUTE);
      await till.expire();
      await till.settle();
      expect(await orderRow(order.id)).toMatchObject({
        status: "confirmed",
        payment_status: "none",
        version: 1,
      });
      expect(till.mails).toEqual([order.id]);
    },
  );

  test("has nothing to pay, and nothing to refund", async () => {
    const { till, order, owner } = await givenFree();
    const opened = await askUnder(QUIET, "POST", `/orders/${order.id}/payments`, undefined, owner);
    expect(refusalOf(opened)).toEqual([409, "nothing_to_pay"]);
    for (const event_id of ["e1", "e2"]) {
      await tellStandard({ event_id, reference: order.reference, status: "success", amount: 0 });
    }
    await till.drain();
    expect([await outcomeOf("e1"), await outcomeOf("e2")]).toEqual([
      "done nothing_to_pay",
      "done nothing_to_pay",
    ]);
    expect(await paymentRows(order.id)).toEqual([]);
    expect(await orderRow(order.id)).toMatchObject({
      status: "confirmed",
      payment_status: "none",
      events_owed: 0,
    });
    await till.settle();
    await post(`/orders/${order.id}/cancel`, {}, owner);
    await till.drain();
    expect(await orderRow(order.id)).toMatchObject({ status: "cancelled", payment_status: "none" });
    expect(await refundRows(order.id)).toEqual([]);
    const dead = await askUnder(QUIET, "POST", `/orders/${order.id}/payments`, undefined, owner);
    expect(refusalOf(dead)).toEqual([409, "not_payable"]);
    await till.settle();
  });

  test("is not what a payment of more is for", async () => {
    const { till, order } = await givenFree();
    const { eventId } = await tell(order, { amount: 1 });
    await till.drain();
    expect(await outcomeOf(eventId)).toBe("flagged wrong_amount");
    await till.settle();
  });

  test("no refund is of nothing", async () => {
    const { ask } = await givenDue();
    expect(refusalOf(await ask({ amount: "0.00" }))).toEqual([422, "invalid_body", "amount"]);
  });
});

describe("an order of which a part was closed", () => {
  /** Four at 10.00, one of which was shipped. */
  async function givenPartShipped(more: Record<string, unknown> = {}) {
    const till = await Till.open(5);
    await env.DB.prepare("UPDATE products SET price = 1000").run();
    const [productId = ""] = till.productIds;
    const order = await placed(
      await post("/orders", basket({ [productId]: 4 }, { payment_method: "invoice", ...more })),
    );
    const act = async (what: string, body: unknown) => {
      const answer = await askUnder(QUIET, "POST", `/orders/${order.id}/${what}`, body, desk.staff.headers);
      expect(answer.status).toBeLessThan(300);
    };
    const ship = () => act("shipments", { items: [{ product_id: productId, quantity: 1 }] });
    return { till, order, ship, close: () => act("close", {}) };
  }

  test("is paid with what is left of its price", async () => {
    const { till, order, ship, close } = await givenPartShipped();
    await ship();
    const early = await tell(order, { amount: 1000 });
    await till.drain();
    expect(await outcomeOf(early.eventId)).toBe("flagged wrong_amount");
    await close();
    const late = await tell(order, { amount: 4000 });
    await till.drain();
    expect(await outcomeOf(late.eventId)).toBe("flagged wrong_amount");
    const right = await tell(order, { amount: 1000 });
    await till.drain();
    expect(await outcomeOf(right.eventId)).toBe("done paid");
    expect(await orderRow(order.id)).toMatchObject({ status: "shipped", payment_status: "paid" });
    await till.settle();
    // A second one goes back, and it stays paid.
    const second = await tell(order, { amount: 1000 });
    await till.drain();
    expect(await outcomeOf(second.eventId)).toBe("done second_payment");
    await till.settle();
    expect(await orderRow(order.id)).toMatchObject({ status: "shipped", payment_status: "paid" });
    expect([...till.paidOut.values()]).toEqual([1000]);
    // And each of the two that were flagged, by hand.
    for (const { eventId } of [early, late]) expect((await desk.giveBack(eventId)).status).toBe(200);
    await till.settle();
    expect([...till.paidOut.values()].sort()).toEqual([1000, 1000, 4000]);
    expect(await orderRow(order.id)).toMatchObject({ status: "shipped", payment_status: "paid" });
  });

  test("that was paid before gets the rest back, and a second payment of the whole goes back", async () => {
    const { till, order, ship, close } = await givenPartShipped();
    await tell(order);
    await till.drain();
    await ship();
    await close();
    await till.settle();
    expect(await orderRow(order.id)).toMatchObject({
      status: "shipped",
      payment_status: "partially_refunded",
    });
    expect([...till.paidOut.values()]).toEqual([3000]);
    for (const amount of [4000, 1000]) {
      const { eventId } = await tell(order, { amount });
      await till.drain();
      expect(await outcomeOf(eventId)).toBe("done second_payment");
      await till.settle();
    }
    expect([...till.paidOut.values()].sort()).toEqual([1000, 3000, 4000]);
    expect(await orderRow(order.id)).toMatchObject({ payment_status: "partially_refunded" });
  });

  test("is paid before its close, or after it: never for more than is left", async () => {
    for (const first of ["payment", "close"] as const) {
      const { till, order, ship, close } = await givenPartShipped();
      await ship();
      const { workId, eventId } = await tell(order, { amount: 4000 });
      if (first === "payment") await till.work([workId]);
      await close();
      await till.settle();
      expect(await outcomeOf(eventId)).toBe(first === "payment" ? "done paid" : "flagged wrong_amount");
      expect([...till.paidOut.values()]).toEqual(first === "payment" ? [3000] : []);
      const [row] = await rows<{ kept: number }>(
        "SELECT coalesce(sum(captured - refunded), 0) AS kept FROM payments WHERE order_id = ?1",
        order.id,
      );
      expect(row?.kept).toBe(first === "payment" ? 1000 : 0);
      await desk.giveBack(eventId);
      await till.settle();
      await Promise.all(
        ["payments", "refunds", "payment_events", "orders"].map((table) => rows(`DELETE FROM ${table}`)),
      );
    }
  });
});
