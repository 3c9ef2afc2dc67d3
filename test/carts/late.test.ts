import { beforeEach, describe, expect, test } from "vitest";
import { refusalOf } from "../orders/ask.ts";
import { eventRow, MINUTE, orderRow, refundRows, Till, tell } from "../payments/settle/till.ts";
import { testClock } from "../support/clock.ts";
import {
  ask,
  BUYER,
  BY_CARD,
  checkout,
  type GivenCart,
  givenCart,
  ordersOf,
  putItem,
  read,
} from "./shopping.ts";

/** A late payment and the cart that its order came from: of two orders of one cart, one at most lives. */

let till: Till;
let cart: GivenCart;
let first: { id: string; reference: string; access_token: string };

beforeEach(async () => {
  till = await Till.open(5, 5);
  cart = await givenCart(Object.fromEntries(till.productIds.map((id) => [id, 1])));
  first = (await checkout(cart, BY_CARD)).body;
  testClock.advance(31 * MINUTE);
  await till.expire();
  await till.drain();
});

async function pay(order: { id: string; reference: string }): Promise<string> {
  const { workId, eventId } = await tell(order);
  await till.work([workId]);
  return eventId;
}

describe("a payment after its order expired", () => {
  test("revives it, and so spends the cart again", async () => {
    expect((await read(cart)).body.order).toBe(null);
    await pay(first);
    expect(await orderRow(first.id)).toMatchObject({ status: "confirmed", payment_status: "paid" });
    expect((await read(cart)).body.order).toEqual({ id: first.id, reference: first.reference });
    expect(refusalOf(await putItem(cart, till.productIds[0] ?? "", 2))).toEqual([409, "cart_spent"]);
    const again = await checkout(cart, BUYER, { "Idempotency-Key": "a-guest-key-of-a-checkout" });
    expect([refusalOf(again), again.body.order.id]).toEqual([[409, "cart_spent"], first.id]);
    // The click that made it is still answered by it.
    expect((await checkout(cart, BY_CARD)).body.id).toBe(first.id);
    await till.settle();
  });

  test("is given back where the cart was ordered again since, though there is stock", async () => {
    const second = await checkout(cart, BUYER);
    expect(second.status).toBe(201);
    const eventId = await pay(first);
    await till.drain();
    expect(await eventRow(eventId)).toMatchObject({ state: "done", outcome: "refund_due" });
    expect(await orderRow(first.id)).toMatchObject({ status: "expired", payment_status: "refunded" });
    expect(await refundRows(first.id)).toMatchObject([
      {
        amount: 2 * 1999,
        state: "settled",
        reason: "paid after it had expired, and its cart was ordered again",
      },
    ]);
    expect(await ordersOf(cart.id)).toEqual(["expired", "confirmed"]);
    await till.settle();
  });

  test("revives it where what was ordered since is dead as well", async () => {
    const second = (await checkout(cart, BUYER)).body;
    await ask("POST", `/orders/${second.id}/cancel`, {}, { "X-Order-Token": second.access_token });
    await pay(first);
    expect(await ordersOf(cart.id)).toEqual(["confirmed", "cancelled"]);
    await till.settle();
  });

  test("of two orders of one cart revives one, and gives the other back", async () => {
    const second = (await checkout(cart, BY_CARD)).body;
    testClock.advance(31 * MINUTE);
    await till.expire();
    await till.drain();
    const told = [await tell(first), await tell(second)];
    await Promise.all(told.map(({ workId }) => till.work([workId])));
    await till.mustHold();
    await till.settle();
    expect((await ordersOf(cart.id)).sort()).toEqual(["confirmed", "expired"]);
    expect([...till.paidOut.values()]).toEqual([2 * 1999]);
  });

  test("is given back where the guest signed in and ordered what went into the user's cart", async () => {
    const account = { email: "ada@shop.example", password: "analytical engine" };
    const { access_token } = (await ask("POST", "/auth/register", { ...account, name: "Ada" })).body;
    const users = await givenCart({}, { Authorization: `Bearer ${access_token}` });
    await ask("POST", "/auth/token", account, cart.headers);
    expect((await checkout(users, BUYER)).status).toBe(201);
    await pay(first);
    await till.settle();
    expect(await orderRow(first.id)).toMatchObject({ status: "expired", payment_status: "refunded" });
    expect(await ordersOf(users.id)).toEqual(["expired", "confirmed"]);
  });
});
