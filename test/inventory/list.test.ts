import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { listInventory } from "../../src/inventory/list.ts";
import { applyReports } from "../../src/inventory/projection.ts";
import { inventoryQuerySchema } from "../../src/inventory/schemas.ts";
import { testContext } from "../events/context.ts";
import { givenCatalog } from "../support/catalog.ts";

/** `levels[p][s]`: what the projection says is available of product p in store s. */
async function givenProjection(levels: number[][], lowStockThreshold = 10): Promise<string[]> {
  const { productIds, storeIds } = await givenCatalog({
    products: levels.length,
    stores: 2,
    lowStockThreshold,
  });
  const reports = productIds.map((productId, product) => ({
    productId,
    epoch: 1,
    version: 2,
    at: 1_800_000_000_000,
    levels: storeIds.map((storeId, store) => ({
      storeId,
      onHand: (levels[product]?.[store] ?? 0) + 5,
      reserved: 5,
      version: 1 + store,
    })),
  }));
  await applyReports(testContext(), reports);
  return storeIds;
}

const page = (query: Record<string, string>) =>
  listInventory(testContext(), inventoryQuerySchema.parse(query));
const available = async (query: Record<string, string>) =>
  (await page(query)).results.map((row) => row.available);
const ascending = (numbers: number[]) => numbers.toSorted((a, b) => a - b);

test("filters by store, low stock and none, each alone and together", async () => {
  const [first = ""] = await givenProjection([
    [11, 0],
    [10, 30],
    [0, 1],
  ]);
  expect(ascending(await available({}))).toEqual([0, 0, 1, 10, 11, 30]);
  expect(await available({ low_stock: "true" })).toEqual([1, 10]);
  expect(await available({ out_of_stock: "true" })).toEqual([0, 0]);
  expect(await available({ low_stock: "true", out_of_stock: "true" })).toEqual([0, 0, 1, 10]);
  expect(ascending(await available({ store_id: first }))).toEqual([0, 10, 11]);
  expect(await available({ store_id: first, low_stock: "true" })).toEqual([10]);
  expect(await available({ store_id: first, out_of_stock: "true" })).toEqual([0]);
  expect(await available({ store_id: "sto_nowhere" })).toEqual([]);
  expect(await page({ low_stock: "true" })).toMatchObject({ count: 2, total_pages: 1, has_next: false });
});

test("low stock is at or below each product's own threshold", async () => {
  await givenProjection([[11, 9]], 10);
  await givenProjection([[40, 51]], 50);
  expect(await available({ low_stock: "true" })).toEqual([9, 40]);
});

const FILTERS: Record<string, string>[] = [
  {},
  { low_stock: "true" },
  { out_of_stock: "true" },
  { low_stock: "true", out_of_stock: "true" },
];

test.each(FILTERS)("pages by cursor and by number: %o", async (filter) => {
  await givenProjection([
    [3, 2],
    [2, 0],
    [0, 2],
  ]);
  const names = (rows: { product_id: string; store_id: string }[]) =>
    rows.map((row) => `${row.product_id} ${row.store_id}`);
  const whole = names((await page(filter)).results);
  expect(new Set(whole).size).toBe(whole.length);

  const byCursor: string[] = [];
  let cursor: string | null = null;
  do {
    const query: Record<string, string> = {
      ...filter,
      page_size: "1",
      ...(cursor === null ? {} : { cursor }),
    };
    const list = await page(query);
    byCursor.push(...names(list.results));
    cursor = list.next_cursor;
  } while (cursor !== null);
  expect(byCursor).toEqual(whole);

  const second = await page({ ...filter, page_size: "1", page: "2" });
  expect(names(second.results)).toEqual(whole.slice(1, 2));
});

test.each([...FILTERS, { store_id: "sto_1" }])("walks an index and sorts nothing: %o", async (filter) => {
  const queries: string[] = [];
  const watched = new Proxy(env.DB, {
    get(db, name) {
      if (name !== "prepare") return db.batch.bind(db);
      return (query: string) => {
        queries.push(query);
        return db.prepare(query);
      };
    },
  });
  const cursor = (await firstCursor(filter)) ?? "";
  const query = inventoryQuerySchema.parse({ ...filter, ...(cursor === "" ? {} : { cursor }) });
  await listInventory(testContext({ env: { ...env, DB: watched } }), query);
  const [select = ""] = queries;
  const parameters = Array.from(select.matchAll(/\?/g), () => 0);
  const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${select}`)
    .bind(...parameters)
    .all<{ detail: string }>();
  const steps = plan.results.map(({ detail }) => detail);
  expect(steps.filter((step) => step.includes("TEMP B-TREE"))).toEqual([]);
  expect(steps.filter((step) => step.startsWith("SEARCH levels"))).toHaveLength(1);
});

async function firstCursor(filter: Record<string, string>): Promise<string | null> {
  await givenProjection([
    [3, 0],
    [2, 0],
  ]);
  return (await page({ ...filter, page_size: "1" })).next_cursor;
}
