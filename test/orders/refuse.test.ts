import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { systemIds } from "../../src/platform/ids.ts";
import { givenCatalog } from "../support/catalog.ts";
import { ADA, basket, givenShop } from "../support/shop.ts";
import { cancel, countOf, levels, order, read, refusalOf, tokenOf } from "./ask.ts";

/** Not a trace: no order, no claim, nothing held. */
async function nothingHappened(productIds: string[]): Promise<void> {
  expect(await countOf("orders")).toBe(0);
  expect(await countOf("claims")).toBe(0);
  for (const id of productIds) expect(await levels(id)).toMatchObject({ reserved: 0 });
}

/** Whether a product's Stock object has ever been called. */
async function hasObject(productId: string): Promise<boolean> {
  const object = env.STOCK.idFromName(productId);
  return (await listDurableObjectIds(env.STOCK)).some((id) => id.equals(object));
}

describe("a shortfall", () => {
  test("takes nothing, is kept as rejected, and says what was short", async () => {
    const { productIds } = await givenShop([[5], [1]]);
    const [apple = "", pear = ""] = productIds;
    const refused = await order(basket({ [apple]: 2, [pear]: 3 }));
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(refused.status).toBe(409);
    expect(refused.body).toEqual({
      type: "/docs/errors#insufficient_stock",
      title: "Conflict",
      status: 409,
      code: "insufficient_stock",
      detail: "There is not enough stock for this order.",
      request_id: refused.headers.get("x-request-id"),
      errors: [{ product_id: pear, requested: 3, available: 1 }],
      order: {
        id: expect.stringMatching(/^ord_/),
        reference: expect.stringMatching(/^ORD-/),
        status: "rejected",
        access_token: expect.stringMatching(/^[\w-]{43}$/),
      },
    });
    await expect.poll(() => levels(apple)).toMatchObject({ on_hand: 5, reserved: 0 });
    expect(await hasObject(apple)).toBe(true);

    const kept = await read(`/orders/${refused.body.order.id}`, tokenOf(refused));
    expect(kept.body).toMatchObject({
      status: "rejected",
      payment_status: "none",
      expires_at: null,
      version: 1,
      items: [
        { product_id: apple, quantity: 2, allocations: [] },
        { product_id: pear, quantity: 3, allocations: [], available: 1 },
      ],
      totals: { total: { amount: "99.95", currency: "USD" } },
    });
    expect(kept.body.items[0]).not.toHaveProperty("available");
    expect(await countOf("work")).toBe(0);
  });

  test("names all that was short, and of what was never stocked there is none", async () => {
    const { productIds } = await givenShop([[1], [2]]);
    const [apple = "", pear = ""] = productIds;
    const [plum = ""] = (await givenCatalog({ products: 1 })).productIds;
    const refused = await order(basket({ [apple]: 5, [pear]: 2, [plum]: 1 }));
    expect(refused.body.errors).toEqual([
      { product_id: apple, requested: 5, available: 1 },
      { product_id: plum, requested: 1, available: 0 },
    ]);
  });

  test("is for ever: it cannot be cancelled, and its history has one line", async () => {
    const { productIds } = await givenShop([[1]]);
    const refused = await order(basket({ [productIds[0] ?? ""]: 2 }));
    const { id } = refused.body.order;
    const tried = await cancel(id, tokenOf(refused));
    expect(refusalOf(tried)).toEqual([409, "not_cancellable"]);
    expect(tried.body.order_status).toBe("rejected");
    const history = await read(`/orders/${id}/history`, tokenOf(refused));
    expect(history.body.results).toMatchObject([{ version: 1, from: null, to: "rejected" }]);
  });
});

describe("what no shop could sell", () => {
  test("unknown and archived products are named each, and get no object storage", async () => {
    const { productIds } = await givenCatalog({ products: 1 });
    // Names of their own: whether an object was made for one is asked of all that this file's Worker ever made.
    const unknown = `prd_${systemIds.next()}`;
    const hostile = `'; DROP TABLE products; -- ${unknown}`;
    const archived = await givenCatalog({ products: 1, active: false });
    const items = [
      { product_id: unknown, quantity: 1 },
      { product_id: productIds[0], quantity: 1 },
      { product_id: archived.productIds[0], quantity: 1 },
      { product_id: hostile, quantity: 1 },
      { product_id: unknown, quantity: 1 },
    ];
    const refused = await order({ items, customer: ADA });
    expect(refusalOf(refused)).toEqual([
      422,
      "unknown_product",
      "items.0.product_id",
      "items.2.product_id",
      "items.3.product_id",
    ]);
    expect(refused.body.errors.map((error: { product_id: string }) => error.product_id)).toEqual([
      unknown,
      archived.productIds[0],
      hostile,
    ]);
    for (const { product_id = "" } of items) expect(await hasObject(product_id)).toBe(false);
    await nothingHappened([]);
  });

  test("the fields of an unknown product count the lines as they came", async () => {
    const { productIds } = await givenCatalog({ products: 1 });
    const known = { product_id: productIds[0], quantity: 1 };
    const items = [known, known, { product_id: "prd_unknown", quantity: 1 }];
    expect(refusalOf(await order({ items, customer: ADA }))).toEqual([
      422,
      "unknown_product",
      "items.2.product_id",
    ]);
  });

  test("products of two currencies", async () => {
    const dollars = await givenShop([[5]]);
    const euros = await givenShop([[5]], { currency: "EUR" });
    const productIds = [...dollars.productIds, ...euros.productIds];
    const refused = await order(basket(Object.fromEntries(productIds.map((id) => [id, 1]))));
    expect(refusalOf(refused)).toEqual([422, "mixed_currencies", "items"]);
    expect(refused.body.currencies).toEqual(["USD", "EUR"]);
    await nothingHappened(productIds);
  });

  test("a total beyond exact counting", async () => {
    const { productIds } = await givenShop([[5]], { price: 9_000_000_000_000_000 });
    const [product = ""] = productIds;
    expect(refusalOf(await order(basket({ [product]: 2 })))).toEqual([422, "total_too_large", "items"]);
    await nothingHappened(productIds);
    const largest = await order(basket({ [product]: 1 }));
    expect(largest.body.totals.total.amount).toBe("90000000000000.00");
  });
});

describe("the expected total", () => {
  test.each([
    { amount: "39.98", currency: "USD" },
    { amount: "39.98", currency: "usd" },
    { amount: "39.98" },
    "39.98",
    null,
  ])("%j is right", async (expected_total) => {
    const { productIds } = await givenShop([[5]]);
    expect((await order(basket({ [productIds[0] ?? ""]: 2 }, { expected_total }))).status).toBe(201);
  });

  test.each([
    { amount: "39.97", currency: "USD" },
    { amount: "39.98", currency: "EUR" },
    { amount: "39.980", currency: "USD" },
    "39.99",
    "-39.98",
    "0x27",
    "",
    "1e2",
  ])("%j is not: the new total is told, nothing is held", async (expected_total) => {
    const { productIds } = await givenShop([[5]]);
    const refused = await order(basket({ [productIds[0] ?? ""]: 2 }, { expected_total }));
    expect(refusalOf(refused)).toEqual([409, "price_changed"]);
    expect(refused.body.total).toEqual({ amount: "39.98", currency: "USD" });
    await nothingHappened(productIds);
  });

  test.each([
    ["JPY", 1_999, "1999", "3998"],
    ["KWD", 1_999, "1.999", "3.998"],
    ["USD", 1, "0.01", "0.02"],
    ["USD", 0, "0.00", "0.00"],
  ])("and all amounts have the digits of %s", async (currency, price, unit, total) => {
    const { productIds } = await givenShop([[5]], { currency, price });
    const placed = await order(basket({ [productIds[0] ?? ""]: 2 }, { expected_total: total }));
    expect(placed.body.items).toMatchObject([
      { unit_price: { amount: unit, currency }, subtotal: { amount: total, currency } },
    ]);
    expect(placed.body.totals.total).toEqual({ amount: total, currency });
  });
});
