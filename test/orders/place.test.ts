import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { ADA, basket, get, givenShop, placed, post } from "../support/shop.ts";

const levels = (productId: string) => stockOf(env, productId).levels();

test("an invoice order is confirmed at once, holds its units and can be read by its token", async () => {
  const { productIds, storeIds } = await givenShop([[5], [3]]);
  const [apple = "", pear = ""] = productIds;
  const order = await placed(await post("/orders", basket({ [apple]: 2, [pear]: 3 })));

  expect(order).toMatchObject({
    status: "confirmed",
    payment_status: "none",
    priority: "normal",
    customer: ADA,
    items: [
      {
        product_id: apple,
        title: "Product 1",
        quantity: 2,
        unit_price: { amount: "19.99", currency: "USD" },
        subtotal: { amount: "39.98", currency: "USD" },
        allocations: [{ store_id: storeIds[0], quantity: 2 }],
      },
      { product_id: pear, quantity: 3, allocations: [{ store_id: storeIds[0], quantity: 3 }] },
    ],
    totals: { subtotal: { amount: "99.95", currency: "USD" }, total: { amount: "99.95", currency: "USD" } },
    total_items: 5,
    expires_at: null,
    version: 1,
  });
  expect(await levels(apple)).toMatchObject({ on_hand: 5, reserved: 2, available: 3 });
  expect(await levels(pear)).toMatchObject({ on_hand: 3, reserved: 3, available: 0 });

  const token = { "X-Order-Token": order.access_token ?? "" };
  for (const name of [order.id, order.reference, order.reference.toLowerCase()]) {
    const page = await get(`/orders/${name}`, token);
    expect(page.status).toBe(200);
    expect(page.headers.get("ETag")).toBe('"1"');
    expect(await page.json()).toMatchObject({ id: order.id, payments: [], shipments: [] });
  }
  expect((await get(`/orders/${order.id}`)).status).toBe(404);
  expect((await get(`/orders/${order.id}`, { "X-Order-Token": "guess" })).status).toBe(404);
});

test("a shortfall takes nothing, is kept as rejected, and says what was short", async () => {
  const { productIds } = await givenShop([[5], [1]]);
  const [apple = "", pear = ""] = productIds;
  const response = await post("/orders", basket({ [apple]: 2, [pear]: 3 }));
  expect(response.status).toBe(409);
  const problem = await response.json<{ order: { id: string; access_token: string } }>();
  expect(problem).toMatchObject({
    code: "insufficient_stock",
    errors: [{ product_id: pear, requested: 3, available: 1 }],
    order: { status: "rejected" },
  });
  await expect.poll(() => levels(apple)).toMatchObject({ on_hand: 5, reserved: 0 });
  const kept = await get(`/orders/${problem.order.id}`, { "X-Order-Token": problem.order.access_token });
  expect(await kept.json()).toMatchObject({
    status: "rejected",
    items: [
      { product_id: apple, quantity: 2, allocations: [] },
      { product_id: pear, quantity: 3, allocations: [], available: 1 },
    ],
  });
});
