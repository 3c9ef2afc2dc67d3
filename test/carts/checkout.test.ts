import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { sweep } from "../chaos/stage.ts";
import { askUnder, levels, refusalOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
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
  removeItem,
  rows,
} from "./shopping.ts";

const KEY = { "Idempotency-Key": "a-guest-key-of-a-checkout" };
const OTHER_KEY = { "Idempotency-Key": "a-guest-key-of-another-tab" };
const MINUTE = 60_000;

let apple: string;
let pear: string;
let cart: GivenCart;
beforeEach(async () => {
  const shop = await givenShop([[9], [9]]);
  [apple = "", pear = ""] = shop.productIds;
  cart = await givenCart({ [pear]: 2, [apple]: 1 });
});

const reserved = async () => [(await levels(apple)).reserved, (await levels(pear)).reserved];

const cancel = (order: { id: string; access_token?: string }) =>
  ask("POST", `/orders/${order.id}/cancel`, {}, { "X-Order-Token": order.access_token ?? "" });

const setPrice = (productId: string, price: number) =>
  env.DB.prepare("UPDATE products SET price = ?2 WHERE id = ?1").bind(productId, price).run();

async function expire(): Promise<void> {
  testClock.advance(31 * MINUTE);
  await sweep();
}

describe("a checkout", () => {
  test("is the order of what is in the cart, at the prices of now", async () => {
    await setPrice(apple, 2500);
    const placed = await checkout(cart, { ...BUYER, notes: "ring twice", metadata: { from: "cart" } });
    expect(placed.status).toBe(201);
    expect(placed.body).toMatchObject({
      status: "confirmed",
      items: [
        { product_id: pear, quantity: 2, unit_price: { amount: "19.99" } },
        { product_id: apple, quantity: 1, unit_price: { amount: "25.00" } },
      ],
      totals: { total: { amount: "64.98", currency: "USD" } },
      notes: "ring twice",
      metadata: { from: "cart" },
      access_token: expect.any(String),
    });
    expect(await reserved()).toEqual([1, 2]);
    const { body } = await read(cart);
    expect(body.order).toEqual({ id: placed.body.id, reference: placed.body.reference });
  });

  test("of a signed-in user needs no body, and is that user's order", async () => {
    const user = await signIn();
    const theirs = await givenCart({ [apple]: 1 }, user.headers);
    const placed = await ask("POST", `${theirs.path}/checkout`, undefined, user.headers);
    expect(placed.body).toMatchObject({ status: "pending", customer: { email: user.email } });
    const { body } = await ask("GET", "/orders", undefined, user.headers);
    expect(body.results.map(({ id }: { id: string }) => id)).toEqual([placed.body.id]);
  });

  test("is refused as an order is, and leaves the cart as it was", async () => {
    const { customer: _, ...nobody } = BUYER;
    const wrong = { ...BUYER, expected_total: { amount: "1.00" } };
    const missing = await givenCart();
    expect([
      refusalOf(await checkout(missing)),
      refusalOf(await checkout(cart, nobody)),
      refusalOf(await checkout(cart, { ...BUYER, store_id: "sto_x" })),
      refusalOf(await checkout(cart, { ...BUYER, priority: "urgent" })),
      refusalOf(await checkout(cart, wrong)),
      refusalOf(await checkout(cart, BUYER, { "Idempotency-Key": "short" })),
      refusalOf(await checkout(cart, BUYER, { "If-Match": '"2"' })),
    ]).toEqual([
      [422, "cart_empty", "items"],
      [422, "customer_required", "customer"],
      [422, "unknown_store", "store_id"],
      [422, "invalid_body", "priority"],
      [409, "price_changed"],
      [422, "invalid_idempotency_key", "Idempotency-Key"],
      [412, "stale"],
    ]);
    await env.DB.prepare("UPDATE products SET active = 0 WHERE id = ?1").bind(apple).run();
    const gone = await checkout(cart);
    expect(refusalOf(gone)).toEqual([422, "unknown_product", "items.1.product_id"]);
    expect(gone.body.errors[0].product_id).toBe(apple);
    await env.DB.prepare("UPDATE products SET active = 1, currency = 'EUR' WHERE id = ?1").bind(apple).run();
    expect(refusalOf(await checkout(cart))).toEqual([422, "mixed_currencies", "items"]);
    await env.DB.prepare("UPDATE products SET currency = 'USD' WHERE id = ?1").bind(apple).run();
    expect(await reserved()).toEqual([0, 0]);
    expect((await read(cart)).body).toMatchObject({ order: null, version: 3 });
    const right = { ...BUYER, expected_total: { amount: "59.97", currency: "USD" } };
    expect((await checkout(cart, right, { "If-Match": '"3"' })).status).toBe(201);
  });

  test("that falls short is kept as a rejected order, and frees the cart at once", async () => {
    await putItem(cart, apple, 10);
    const short = await checkout(cart);
    expect(refusalOf(short)).toEqual([409, "insufficient_stock"]);
    expect(short.body).toMatchObject({
      errors: [{ product_id: apple, requested: 10, available: 9 }],
      order: { status: "rejected" },
    });
    expect((await read(cart)).body.order).toBe(null);
    // The same click again is another try: nobody wants the old answer.
    expect((await checkout(cart)).body.order.id).not.toBe(short.body.order.id);
    await putItem(cart, apple, 9);
    expect((await checkout(cart)).status).toBe(201);
    expect(await ordersOf(cart.id)).toEqual(["rejected", "rejected", "confirmed"]);
    expect(await reserved()).toEqual([9, 2]);
  });

  test("is within the limit of orders, a double click once", async () => {
    const limited = (body: unknown = BUYER) =>
      askUnder({ ORDERS_PER_MINUTE: "2" }, "POST", `${cart.path}/checkout`, body, cart.headers);
    const first = await limited();
    expect(first.headers.get("RateLimit")).toBe('"orders";r=1;t=60');
    expect((await limited()).text).toBe(first.text);
    await cancel(first.body);
    expect((await limited()).status).toBe(201);
    expect(refusalOf(await limited({ ...BUYER, notes: "other" }))).toEqual([429, "rate_limited"]);
  });

  test("of guests is off where guests may not order", async () => {
    const off = { GUEST_CHECKOUT: "false" };
    const answer = await askUnder(off, "POST", `${cart.path}/checkout`, BUYER, cart.headers);
    expect(refusalOf(answer)).toEqual([401, "unauthenticated"]);
    const user = await signIn();
    const both = { ...cart.headers, ...user.headers };
    expect((await askUnder(off, "POST", `${cart.path}/checkout`, BUYER, both)).status).toBe(201);
  });
});

describe("one living order", () => {
  test("is what a double click comes to, and a lost answer is repeated byte for byte", async () => {
    const clicks = await Promise.all(Array.from({ length: 20 }, () => checkout(cart)));
    expect(new Set(clicks.map(({ text }) => text)).size).toBe(1);
    expect(clicks[0]?.status).toBe(201);
    const again = await checkout(cart);
    expect([again.text, again.headers.get("Idempotency-Replayed")]).toEqual([clicks[0]?.text, "true"]);
    expect(await ordersOf(cart.id)).toEqual(["confirmed"]);
    expect(await reserved()).toEqual([1, 2]);
  });

  test("is what two tabs come to: the other is told which, and holds nothing", async () => {
    const tabs = [KEY, OTHER_KEY, {}].map((key) => checkout(cart, BUYER, key));
    const bodies = [
      { ...BUYER, notes: "a" },
      { ...BUYER, notes: "b" },
    ].map((body) => checkout(cart, body));
    const answers = await Promise.all([...tabs, ...bodies]);
    const placed = answers.filter(({ status }) => status === 201);
    expect(placed).toHaveLength(1);
    const { id, reference } = placed[0]?.body ?? {};
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expect(refusalOf(answer)).toEqual([409, "cart_spent"]);
      expect(answer.body.order).toEqual({ id, reference });
    }
    expect(await ordersOf(cart.id)).toEqual(["confirmed"]);
    await expect.poll(reserved).toEqual([1, 2]);
    // Later, too; and each repeats what it was told.
    const late = await checkout(cart, BUYER, { "Idempotency-Key": "a-guest-key-of-a-third-tab" });
    expect([refusalOf(late), late.body.order.id]).toEqual([[409, "cart_spent"], id]);
    expect(await reserved()).toEqual([1, 2]);
  });

  test("under a key of the buyer's is repeated under it, and under no other", async () => {
    const first = await checkout(cart, BUYER, KEY);
    expect((await checkout(cart, BUYER, KEY)).text).toBe(first.text);
    expect(refusalOf(await checkout(cart, { ...BUYER, notes: "other" }, KEY)).slice(0, 2)).toEqual([
      422,
      "idempotency_key_reused",
    ]);
    expect(refusalOf(await checkout(cart, BUYER, OTHER_KEY))).toEqual([409, "cart_spent"]);
    expect(refusalOf(await checkout(cart))).toEqual([409, "cart_spent"]);
    // The answer of its key stays, whatever became of the order since.
    await cancel(first.body);
    expect((await checkout(cart, BUYER, KEY)).text).toBe(first.text);
    // Who was refused before may have it now, under the same key.
    expect((await checkout(cart, BUYER, OTHER_KEY)).status).toBe(201);
    expect(await ordersOf(cart.id)).toEqual(["cancelled", "confirmed"]);
    expect(await reserved()).toEqual([1, 2]);
  });

  test("a key that was answered repeats it whatever the cart has become; another key orders what is in it now", async () => {
    await putItem(cart, apple, 99);
    const short = await checkout(cart, BUYER, KEY);
    expect(refusalOf(short)).toEqual([409, "insufficient_stock"]);
    await putItem(cart, apple, 1);
    expect((await checkout(cart, BUYER, KEY)).text).toBe(short.text);
    const again = await checkout(cart, { ...BUYER, notes: "soon" }, KEY);
    expect(refusalOf(again).slice(0, 2)).toEqual([422, "idempotency_key_reused"]);
    expect(
      (await checkout(cart, BUYER, { "Idempotency-Key": "another-guest-key-of-this-cart" })).status,
    ).toBe(201);
  });
});

describe("a dead order frees its cart", () => {
  test("when its buyer cancels: the same click is a new order", async () => {
    const first = await checkout(cart);
    await cancel(first.body);
    expect((await read(cart)).body).toMatchObject({ order: null, version: 3 });
    const second = await checkout(cart);
    expect(second.status).toBe(201);
    expect(second.body.id).not.toBe(first.body.id);
    expect((await checkout(cart)).text).toBe(second.text);
    await cancel(second.body);
    const third = await checkout(cart);
    expect([first, second].map(({ body }) => body.id)).not.toContain(third.body.id);
    expect(await ordersOf(cart.id)).toEqual(["cancelled", "cancelled", "confirmed"]);
    expect(await reserved()).toEqual([1, 2]);
  });

  test("when it expires: it can be changed and ordered again", async () => {
    const first = await checkout(cart, BY_CARD);
    expect(refusalOf(await putItem(cart, apple, 3))).toEqual([409, "cart_spent"]);
    await expire();
    expect((await putItem(cart, apple, 3)).status).toBe(200);
    await removeItem(cart, pear);
    const second = await checkout(cart, BY_CARD);
    expect(second.body).toMatchObject({ status: "pending", total_items: 3 });
    expect(second.body.id).not.toBe(first.body.id);
    expect(await ordersOf(cart.id)).toEqual(["expired", "pending"]);
    await expect.poll(reserved).toEqual([3, 0]);
  });

  test("though its stock is gone meanwhile: then it may come again when there is some", async () => {
    const first = await checkout(cart);
    await cancel(first.body);
    const others = await givenCart({ [apple]: 9 });
    const theirs = await checkout(others);
    expect(refusalOf(await checkout(cart))).toEqual([409, "insufficient_stock"]);
    await cancel(theirs.body);
    expect((await checkout(cart)).status).toBe(201);
  });
});

test("keys of carts are in a scope of their own that no header reaches", async () => {
  await checkout(cart);
  const [key] = await rows<{ scope: string; key: string }>("SELECT scope, key FROM idempotency");
  expect(key?.scope).toBe(`cart:${cart.id}`);
  const forged = await ask(
    "POST",
    "/orders",
    { ...BUYER, items: [{ product_id: apple, quantity: 1 }] },
    { "Idempotency-Key": key?.key ?? "" },
  );
  expect(forged.status).toBe(201);
  expect(await ordersOf(cart.id)).toEqual(["confirmed"]);
});
