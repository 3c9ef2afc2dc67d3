import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { givenCatalog } from "../support/catalog.ts";
import { testClock } from "../support/clock.ts";
import { signIn } from "../support/sign-in.ts";
import { api } from "./api.ts";
import { probe } from "./probe.ts";

let staff: Record<string, string>;
let category: string;
let stores: string[];
beforeEach(async () => {
  staff = (await signIn("staff")).headers;
  const given = await givenCatalog({ products: 0, stores: 2 });
  category = given.categoryIds[0] ?? "";
  stores = given.storeIds;
});

const bulk = (products: unknown, headers = {}) =>
  api("POST", "/products/bulk", { ...staff, ...headers }, { products });

const item = (sku: string, more = {}) => ({
  sku,
  title: `The ${sku}`,
  category_id: category,
  price: { amount: "4.50" },
  ...more,
});

const counts = () =>
  env.DB.prepare(
    `SELECT (SELECT count(*) FROM products) AS products, (SELECT count(*) FROM product_history) AS history,
            (SELECT count(*) FROM events) AS events`,
  ).first();

describe("a bulk of products", () => {
  it("creates what is new, changes what is there, and writes nothing for what is so already", async () => {
    const first = await bulk([item("MUG", { low_stock_threshold: 3 }), item("CUP")]);
    expect(first).toMatchObject({ status: 200, body: { created: 2, updated: 0, failed: 0 } });
    expect(first.body.results).toEqual([
      { index: 0, status: "created", id: expect.stringMatching(/^prd_[0-9a-z]{26}$/) },
      { index: 1, status: "created", id: expect.stringMatching(/^prd_[0-9a-z]{26}$/) },
    ]);
    const [mug = "", cup = ""] = first.body.results.map(({ id }: { id: string }) => `/products/${id}`);
    expect((await api("GET", mug)).body).toMatchObject({
      sku: "MUG",
      title: "The MUG",
      category: { id: category },
      price: { amount: "4.50", currency: "USD" },
      low_stock_threshold: 3,
      active: true,
      version: 1,
    });

    testClock.advance(1000);
    const second = await bulk([{ sku: "CUP", active: false }, item("MUG"), item("JUG")]);
    expect(second.body).toMatchObject({ created: 1, updated: 2, failed: 0 });
    expect(second.body.results.map(({ status }: { status: string }) => status)).toEqual([
      "updated",
      "updated",
      "created",
    ]);
    expect((await api("GET", mug)).body).toMatchObject({ low_stock_threshold: 3, version: 1 });
    expect((await api("GET", cup)).body).toMatchObject({ title: "The CUP", active: false, version: 2 });
    const history = await api("GET", `${cup}/history`, staff);
    expect(history.body.results.map(({ action }: { action: string }) => action)).toEqual([
      "created",
      "archived",
    ]);
    expect(await counts()).toEqual({ products: 3, history: 4, events: 4 });

    expect((await bulk([{ sku: "CUP", active: false }, item("MUG"), item("JUG")])).body).toMatchObject({
      created: 0,
      updated: 3,
    });
    expect(await counts()).toEqual({ products: 3, history: 4, events: 4 });
  });

  it("lets what is wrong fail alone, naming its fields", async () => {
    await bulk([item("MUG")]);
    const answer = await bulk([
      item("A"),
      { ...item("B"), title: "", price: { amount: 5, currency: 7 } },
      "not a product",
      { title: "No sku" },
      { sku: "C" },
      item("D", { category_id: "cat_none" }),
      item("E", { price: { amount: "1.001" } }),
      item("F", {
        stock: [
          { store_id: stores[0], quantity: 1 },
          { store_id: "sto_none", quantity: 1 },
        ],
      }),
      item("G", { stock: [{ store_id: stores[0], quantity: -1 }] }),
      item("H", {
        stock: [
          { store_id: stores[0], quantity: 1 },
          { store_id: stores[0], quantity: 2 },
        ],
      }),
      item("A", { title: "Again" }),
      { sku: "MUG", category_id: "cat_none" },
      { sku: "MUG", title: "Mug again" },
    ]);
    expect(answer).toMatchObject({ status: 200, body: { created: 1, updated: 0, failed: 12 } });
    const errors = answer.body.results.map(
      (result: { errors?: { field: string; code: string }[] }) =>
        result.errors?.map(({ field, code }) => `${field} ${code}`) ?? "created",
    );
    expect(errors).toEqual([
      "created",
      ["title too_small", "price.currency invalid_type"],
      ["undefined invalid_type"],
      ["sku invalid_type"],
      ["title required", "category_id required", "price required"],
      ["category_id unknown_category"],
      ["price.amount custom"],
      ["stock.1.store_id unknown_store"],
      ["stock.0.quantity too_small"],
      ["stock.1.store_id custom"],
      ["sku duplicate_sku"],
      ["category_id unknown_category"],
      ["sku duplicate_sku"],
    ]);
    expect(answer.body.results[10]?.errors[0].message).toContain("item 0");
    expect(await counts()).toEqual({ products: 2, history: 2, events: 2 });
  });

  it("sets opening stock where there never was any, and nowhere else", async () => {
    const stock = [
      { store_id: stores[0], quantity: 5 },
      { store_id: stores[1], quantity: 0 },
    ];
    const { body } = await bulk([item("MUG", { stock })]);
    const path = `/products/${body.results[0].id}`;
    const level = (store_id: string | undefined, on_hand: number) => ({
      store_id,
      on_hand,
      reserved: 0,
      available: on_hand,
    });
    const opened = { on_hand: 5, reserved: 0, available: 5, stores: expect.any(Array) };
    const page = await api("GET", path, staff);
    expect(page.body.stock).toEqual(opened);
    expect(page.body.stock.stores).toHaveLength(2);
    expect(page.body.stock.stores).toEqual(
      expect.arrayContaining([level(stores[0], 5), level(stores[1], 0)]),
    );

    const other = (await api("POST", "/stores", staff, { name: "Lyon", country: "FR" })).body.id;
    await bulk([
      {
        sku: "MUG",
        stock: [
          { store_id: stores[0], quantity: 9 },
          { store_id: other, quantity: 2 },
        ],
      },
    ]);
    expect((await api("GET", path, staff)).body).toMatchObject({
      version: 1,
      stock: { on_hand: 7, available: 7 },
    });
  });

  it("says which item's stock could not be set, and sets it when sent again", async () => {
    let broken = true;
    const opened: string[] = [];
    const { send } = probe({
      stock: {
        open: async (_, productId, [level]) => {
          if (broken && level?.quantity === 2) throw new Error("out of reach");
          opened.push(productId);
        },
      },
    });
    const products = [1, 2, 3].map((quantity) =>
      item(`MUG-${quantity}`, { stock: [{ store_id: stores[0], quantity }] }),
    );
    const first = await send("POST", "/products/bulk", staff, { products });
    expect(first.body).toMatchObject({ created: 2, failed: 1 });
    expect(first.body.results[1]).toMatchObject({
      status: "failed",
      errors: [{ field: "stock", code: "stock_unavailable" }],
    });
    broken = false;
    const second = await send("POST", "/products/bulk", staff, { products });
    expect(second.body).toMatchObject({ created: 0, updated: 3, failed: 0 });
    expect(opened).toContain(second.body.results[1].id);
    expect(await counts()).toEqual({ products: 3, history: 3, events: 3 });
  });

  it("takes 500 in two round trips to D1, one call to the stock each, and one trip when nothing is new", async () => {
    const calls: string[] = [];
    let open = 0;
    let widest = 0;
    const { send, seen } = probe({
      stock: {
        open: async (_, productId) => {
          widest = Math.max(widest, ++open);
          calls.push(productId);
          await Promise.resolve();
          open--;
        },
      },
    });
    const products = Array.from({ length: 500 }, (_, index) =>
      item(`SKU-${index}`, { stock: [{ store_id: stores[index % 2], quantity: index }] }),
    );
    const first = await send("POST", "/products/bulk", staff, { products });
    expect(first.body).toMatchObject({ created: 500, updated: 0, failed: 0 });
    expect(seen.roundTrips).toBe(2);
    expect(new Set(calls).size).toBe(500);
    expect(widest).toBe(50);
    expect(await counts()).toEqual({ products: 500, history: 500, events: 500 });

    expect((await send("POST", "/products/bulk", staff, { products })).body).toMatchObject({
      created: 0,
      updated: 500,
    });
    expect(seen.roundTrips).toBe(1);

    const half = products.map((product, index) => (index % 2 ? { ...product, title: "New" } : product));
    const third = await send("POST", "/products/bulk", staff, { products: half });
    expect(third.body).toMatchObject({ updated: 500 });
    expect(seen.roundTrips).toBe(2);
    expect(await counts()).toEqual({ products: 500, history: 750, events: 750 });
  });

  it("cuts what is large into parameters of a megabyte", async () => {
    const { send, seen } = probe();
    const products = Array.from({ length: 150 }, (_, index) =>
      item(`SKU-${index}`, { description: "é".repeat(10_000) }),
    );
    const answer = await send("POST", "/products/bulk", staff, { products });
    expect(answer.body).toMatchObject({ created: 150, failed: 0 });
    expect(seen.roundTrips).toBe(1 + 4);
    expect(seen.largestParameter).toBeLessThanOrEqual(1_000_000);
    expect(seen.largestParameter).toBeGreaterThan(900_000);
  });

  it("is answered once under an Idempotency-Key", async () => {
    const key = { "Idempotency-Key": "bulk-1" };
    const first = await bulk([item("MUG")], key);
    expect((await bulk([item("MUG")], key)).body).toEqual(first.body);
    expect((await bulk([item("CUP")], key)).body.code).toBe("idempotency_key_reused");
  });

  it.each([
    ["no products", {}],
    ["none", { products: [] }],
    ["too many", { products: Array(501).fill({}) }],
    ["no list", { products: { sku: "MUG" } }],
  ])("refuses %s", async (_, body) => {
    expect(await api("POST", "/products/bulk", staff, body)).toMatchObject({
      status: 422,
      body: { code: "invalid_body", errors: [{ field: "products" }] },
    });
  });
});
