import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { levels, refusalOf } from "../ask.ts";
import { eventsOf, owed, pay, refundsOf } from "./rows.ts";
import { type Act, givenSold, staff } from "./staff.ts";

/** Three apples and two pears at 19.99, of which one apple has left. */
async function partShipped(act: Act, more: Record<string, unknown> = {}) {
  const sold = await givenSold([[5], [5]], [3, 2], more);
  const items = [{ product_id: sold.productIds[0], quantity: 1 }];
  const shipped = await act(sold.id, "shipments", { items });
  expect(shipped.status).toBe(201);
  return sold;
}

describe("closing", () => {
  test("lets go of what is left, and the order is shipped", async () => {
    const { act, page, history } = await staff();
    const { id, productIds, storeIds } = await partShipped(act);
    const [apple = "", pear = ""] = productIds;
    const closed = await act(id, "close", { reason: " gone off " });
    expect([closed.status, closed.headers.get("ETag")]).toEqual([200, '"3"']);
    expect(closed.body).toMatchObject({ status: "shipped", version: 3, payment_status: "none" });
    expect(closed.body.items).toMatchObject([
      { quantity: 3, closed: 2, allocations: [{ store_id: storeIds[0], quantity: 1, shipped: 1 }] },
      { quantity: 2, closed: 2, allocations: [] },
    ]);
    expect(await levels(apple)).toMatchObject({ on_hand: 4, reserved: 0, available: 4 });
    expect(await levels(pear)).toMatchObject({ on_hand: 5, reserved: 0, available: 5 });
    expect((await page(id)).body.items).toEqual(closed.body.items);
    expect((await history(id))[2]).toMatchObject({
      from: "processing",
      to: "shipped",
      reason: "gone off",
    });
    expect((await eventsOf(id)).at(-1)).toMatchObject({
      type: "order.closed",
      data: {
        status: "shipped",
        closed: [
          { product_id: apple, quantity: 2 },
          { product_id: pear, quantity: 2 },
        ],
        refund: 0,
      },
    });
    // Nobody paid: nothing is owed back.
    expect(await owed("refund")).toEqual([]);
    expect((await act(id, "transitions", { to: "delivered" })).status).toBe(200);
    expect((await page(id)).body.items).toEqual(closed.body.items);
  });

  test.each(["paid", "partially_refunded", "refund_due"])(
    "owes the buyer what was closed, where the order is %s",
    async (status) => {
      const { act, page } = await staff();
      const { id, productIds } = await partShipped(act);
      await pay(id, status);
      const closed = await act(id, "close");
      const money = (amount: string) => ({ amount, currency: "USD" });
      const [due] = await refundsOf(id);
      expect(due).toMatchObject({ amount: 4 * 1999, state: "due", reason: "what was left was closed" });
      expect(closed.body).toMatchObject({
        ...{ status: "shipped", payment_status: "refund_due", version: 4 },
        totals: { total: money("99.95"), refunded: money("79.96"), kept: money("19.99") },
        refund: {
          id: due?.id,
          amount: money("79.96"),
          status: "due",
          items: [
            { product_id: productIds[0], quantity: 2, amount: money("39.98") },
            { product_id: productIds[1], quantity: 2, amount: money("39.98") },
          ],
        },
      });
      expect(await owed("refund")).toEqual([{ refund_id: due?.id }]);
      expect((await page(id)).body.totals).toEqual(closed.body.totals);
      expect((await page(id)).body.payment_status).toBe("refund_due");
      expect((await eventsOf(id)).at(-1)?.data).toMatchObject({ refund: 4 * 1999, currency: "USD" });
    },
  );

  test("twice under one key owes once, without one is refused", async () => {
    const { act } = await staff();
    const { id } = await partShipped(act);
    await pay(id);
    const headers = { "Idempotency-Key": "close" };
    const answers = await Promise.all(Array.from({ length: 5 }, () => act(id, "close", {}, headers)));
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
    await env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
    expect((await act(id, "close", {}, headers)).status).toBe(200);
    expect(refusalOf(await act(id, "close"))).toEqual([409, "not_closable"]);
    expect(await owed("refund")).toHaveLength(1);
  });

  test("at another version is refused", async () => {
    const { act } = await staff();
    const { id } = await partShipped(act);
    expect(refusalOf(await act(id, "close", {}, { "If-Match": '"1"' }))).toEqual([412, "stale"]);
  });
});

test.each(["pending", "confirmed", "processing", "shipped", "delivered", "cancelled"])(
  "an order that is %s, and of which no part has shipped or all has, is not closed",
  async (status) => {
    const { act, page } = await staff();
    const { id } = await givenSold([[5]], [2], status === "pending" ? { payment_method: "card" } : {});
    if (status === "processing") await act(id, "transitions", { to: "processing" });
    if (status === "shipped" || status === "delivered") await act(id, "shipments");
    if (status === "delivered") await act(id, "transitions", { to: "delivered" });
    if (status === "cancelled") await act(id, "cancel");
    const before = (await page(id)).body;
    const refused = await act(id, "close");
    expect(refusalOf(refused)).toEqual([409, "not_closable"]);
    expect(refused.body.order_status).toBe(status);
    expect((await page(id)).body).toEqual(before);
  },
);

describe("cancelling", () => {
  test.each(["paid", "partially_refunded", "refund_due"])(
    "an order that is %s owes all that is left of its money",
    async (status) => {
      const { act } = await staff();
      const { id, productIds } = await givenSold([[5]], [2]);
      await pay(id, status);
      const headers = { "Idempotency-Key": "cancel" };
      const cancelled = await act(id, "cancel", { reason: "changed my mind" }, headers);
      expect(cancelled.body).toMatchObject({ status: "cancelled", payment_status: "refund_due", version: 3 });
      await env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
      const again = await act(id, "cancel", { reason: "changed my mind" }, headers);
      expect([again.status, again.body.refund]).toEqual([200, cancelled.body.refund]);
      const [due] = await refundsOf(id);
      expect(due).toMatchObject({
        id: cancelled.body.refund.id,
        amount: 2 * 1999,
        reason: "changed my mind",
      });
      expect(await owed("refund")).toEqual([{ refund_id: due?.id }]);
      expect(await levels(productIds[0] ?? "")).toMatchObject({ on_hand: 5, reserved: 0 });
    },
  );

  test.each(["none", "awaiting", "failed", "refunded"])(
    "an order that is %s owes nothing",
    async (status) => {
      const { act } = await staff();
      const { id } = await givenSold([[5]], [2]);
      await pay(id, status);
      expect((await act(id, "cancel")).body).toMatchObject({ status: "cancelled", payment_status: status });
      expect(await owed("refund")).toEqual([]);
    },
  );

  test("is too late when a part has shipped", async () => {
    const { act, page } = await staff();
    const { id } = await partShipped(act);
    await pay(id);
    expect(refusalOf(await act(id, "cancel"))).toEqual([409, "not_cancellable"]);
    expect((await page(id)).body).toMatchObject({ status: "processing", payment_status: "paid" });
    expect(await owed("refund")).toEqual([]);
  });
});
