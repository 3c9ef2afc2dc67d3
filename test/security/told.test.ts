import { beforeEach, expect, test } from "vitest";
import type { OrderWire } from "../../src/orders/schemas.ts";
import { givenCart } from "../carts/shopping.ts";
import { basket, get, placed, post } from "../support/shop.ts";
import { givenWorld, type World } from "./routes.ts";

/** What a person reads where what they ask for cannot be: it says what would help. */

let world: World;
beforeEach(async () => {
  world = await givenWorld();
});

interface Told {
  code: string;
  detail: string;
  errors: { message: string }[];
}

const told = async (response: Promise<Response>) => (await response).json<Told>();

test("a guest without the order's token hears of it, whether or not the order is there", async () => {
  const order: OrderWire = await placed(await post("/orders", basket({ [world.productId]: 1 })));
  const asked = [
    (id: string, headers = {}) => get(`/orders/${id}`, headers),
    (id: string, headers = {}) => get(`/orders/${id}/history`, headers),
    (id: string, headers = {}) => get(`/orders/${id}/payments`, headers),
    (id: string, headers = {}) => post(`/orders/${id}/cancel`, {}, headers),
    (id: string, headers = {}) => post(`/orders/${id}/payments`, {}, headers),
  ];
  for (const ask of asked) {
    for (const id of [order.id, "ord_unknown"]) {
      expect(await told(ask(id))).toMatchObject({
        code: "not_found",
        detail: expect.stringContaining("without X-Order-Token"),
      });
      expect((await told(ask(id, { "X-Order-Token": "wrong" }))).detail).toContain("for this X-Order-Token");
    }
    expect((await told(ask("ord_unknown", world.customer.headers))).detail).toBe("There is no such order.");
  }
});

test("a guest without the cart's token hears of it, whether or not the cart is there", async () => {
  const cart = await givenCart({ [world.productId]: 1 });
  for (const id of [cart.id, "crt_unknown"]) {
    for (const ask of [
      (headers = {}) => get(`/carts/${id}`, headers),
      (headers = {}) =>
        post(`/carts/${id}/checkout`, { customer: { name: "A", email: "a@b.example" } }, headers),
    ]) {
      expect(await told(ask())).toMatchObject({
        code: "not_found",
        detail: expect.stringContaining("without X-Cart-Token"),
      });
      expect((await told(ask({ "X-Cart-Token": "wrong" }))).detail).toContain("for this X-Cart-Token");
    }
  }
});

test("an order of which a part has shipped says so when it is cancelled, and that the rest can be closed", async () => {
  const { soldId, productId, staff, customer, orderId } = world;
  const items = [{ product_id: productId, quantity: 1 }];
  expect((await post(`/orders/${soldId}/shipments`, { items }, staff.headers)).status).toBe(201);
  expect(await told(post(`/orders/${soldId}/cancel`, {}, customer.headers))).toMatchObject({
    code: "not_cancellable",
    detail: expect.stringMatching(/^A part of this order has shipped.*close/),
  });
  // What is gone whole, or was cancelled before, says what it is.
  await post(`/orders/${soldId}/shipments`, {}, staff.headers);
  expect((await told(post(`/orders/${soldId}/cancel`, {}, customer.headers))).detail).toBe(
    "An order that is shipped cannot be cancelled.",
  );
  await post(`/orders/${orderId}/cancel`, {}, customer.headers);
  expect((await told(post(`/orders/${orderId}/cancel`, {}, customer.headers))).detail).toBe(
    "An order that is cancelled cannot be cancelled.",
  );
});

test("a count below what is reserved says that, and a removal that it is more than what is free", async () => {
  const { productId, storeId, staff } = world;
  const adjust = (type: string, quantity: number) =>
    told(
      post(
        `/inventory/${productId}/adjust`,
        { store_id: storeId, type, quantity, reason: "r" },
        staff.headers,
      ),
    );
  expect(await adjust("set", 2)).toMatchObject({
    code: "stock_reserved",
    detail:
      "The quantity is less than what is reserved: of 50 units on hand 3 are reserved, and 47 are free.",
    errors: [{ message: "is less than what is reserved" }],
  });
  expect(await adjust("remove", 48)).toMatchObject({
    code: "stock_reserved",
    errors: [{ message: "is more than what is free" }],
  });
});
