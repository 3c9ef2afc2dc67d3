import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { listInventory } from "../../src/inventory/projection/list.ts";
import { applyReports, recountStock } from "../../src/inventory/projection/projection.ts";
import { summariseInventory } from "../../src/inventory/projection/summary.ts";
import { inventoryQuerySchema } from "../../src/inventory/schemas.ts";
import type { StockReport } from "../../src/inventory/stock-types.ts";
import { encodeCursor } from "../../src/platform/pagination.ts";
import { runBatch } from "../../src/platform/sql.ts";
import { testContext } from "../events/context.ts";
import { givenCatalog } from "../support/catalog.ts";
import { type Cost, planOf, watchedDb } from "../support/watched-db.ts";
import { crowd, unheard } from "./reports.ts";

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
  await applyReports(unheard(), reports);
  return storeIds;
}

async function page(query: Record<string, string>) {
  const found = await listInventory(testContext(), inventoryQuerySchema.parse(query));
  if (!found) throw new Error(`there is no store ${query.store_id}`);
  return found;
}
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
  expect(await listInventory(testContext(), inventoryQuerySchema.parse({ store_id: "sto_no" }))).toBe(null);
  expect(await page({ low_stock: "true" })).toMatchObject({ count: 2, total_pages: 1, has_next: false });
});

test("as_of is the projection's own time: a report that is applied late shows", async () => {
  const first = 1_800_000_000_000;
  const minutes = (count: number) => new Date(first + count * 60_000).toISOString();
  const told = async () => {
    const { as_of, results } = await page({ page_size: "1" });
    const summary = await summariseInventory(testContext());
    expect(summary.as_of).toBe(as_of);
    return [as_of, results[0]?.on_hand ?? null, results[0]?.updated_at ?? null];
  };
  const [store = ""] = [...(await givenCatalog({ products: 0, stores: 1 })).storeIds];
  expect(await told()).toEqual([null, null, null]);

  const { productIds } = await givenCatalog({ products: 2, stores: 0 });
  const [quiet = "", sold = ""] = productIds.toSorted();
  const of = (productId: string, version: number, after: number, onHand: number): StockReport => ({
    ...{ productId, epoch: 1, version, at: first + after * 60_000 },
    levels: [{ storeId: store, onHand, reserved: 0, version }],
  });
  const steps: [what: string, report: StockReport, as_of: string, on_hand: number, updated_at: string][] = [
    ["the first word", of(quiet, 1, 0, 5), minutes(0), 5, minutes(0)],
    ["another product's later one: this one looks no older", of(sold, 1, 9, 7), minutes(9), 5, minutes(0)],
    ["a report of before that comes late", of(quiet, 2, 4, 3), minutes(9), 3, minutes(4)],
    ["one that is older than the row", of(quiet, 1, 20, 5), minutes(9), 3, minutes(4)],
    ["the same numbers again, of later", of(quiet, 3, 30, 3), minutes(30), 3, minutes(30)],
  ];
  for (const [what, report, asOf, onHand, updatedAt] of steps) {
    await applyReports(unheard(), [report]);
    expect([what, ...(await told())]).toEqual([what, asOf, onHand, updatedAt]);
  }
  await runBatch(env.DB, recountStock());
  expect((await told())[0]).toBe(minutes(30));
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

const SCARCE = "stock_levels_scarce";
/** How SQLite comes to a first page, and to what stands after a cursor. */
const PLANS: [filter: Record<string, string>, first: string, next: string][] = [
  [{}, "SCAN levels", "SEARCH levels USING PRIMARY KEY ((product_id,store_id)>(?,?))"],
  [
    { low_stock: "true" },
    `SEARCH levels USING INDEX ${SCARCE} (available>?)`,
    `SEARCH levels USING INDEX ${SCARCE} ((available,product_id,store_id)>(?,?,?))`,
  ],
  [
    { out_of_stock: "true" },
    `SEARCH levels USING INDEX ${SCARCE} (available<?)`,
    `SEARCH levels USING INDEX ${SCARCE} ((available,product_id,store_id)>(?,?,?) AND available<?)`,
  ],
  [
    { low_stock: "true", out_of_stock: "true" },
    `SCAN levels USING INDEX ${SCARCE}`,
    `SEARCH levels USING INDEX ${SCARCE} ((available,product_id,store_id)>(?,?,?))`,
  ],
  [
    { store_id: "x" },
    "SEARCH levels USING INDEX stock_levels_store (store_id=?)",
    "SEARCH levels USING INDEX stock_levels_store (store_id=? AND product_id>?)",
  ],
  [
    { store_id: "x", low_stock: "true" },
    `SEARCH levels USING INDEX ${SCARCE}_store (store_id=? AND available>?)`,
    `SEARCH levels USING INDEX ${SCARCE}_store (store_id=? AND (available,product_id)>(?,?))`,
  ],
  [
    { store_id: "x", out_of_stock: "true" },
    `SEARCH levels USING INDEX ${SCARCE}_store (store_id=? AND available<?)`,
    `SEARCH levels USING INDEX ${SCARCE}_store (store_id=? AND (available,product_id)>(?,?) AND available<?)`,
  ],
  [
    { store_id: "x", low_stock: "true", out_of_stock: "true" },
    `SEARCH levels USING INDEX ${SCARCE}_store (store_id=?)`,
    `SEARCH levels USING INDEX ${SCARCE}_store (store_id=? AND (available,product_id)>(?,?))`,
  ],
];

test.each(PLANS)("walks an index and sorts nothing: %o", async (filter, first, next) => {
  const cursor = encodeCursor({ key: 1, id: "prd_1/sto_1" });
  for (const [query, step] of [
    [filter, first],
    [{ ...filter, cursor }, next],
  ] as const) {
    const { db, queries } = watchedDb();
    await listInventory(testContext({ env: { ...env, DB: db } }), inventoryQuerySchema.parse(query));
    const plan = await planOf(queries[0] ?? "");
    expect(plan.filter((one) => one.includes("TEMP B-TREE"))).toEqual([]);
    expect(plan[0]).toBe(step);
  }
});

test.each(PLANS)("reads no more for any page of ten times as many levels: %o", async (filter) => {
  const [storeId = ""] = await givenProjection([[1, 1]]);
  const query = { ...filter, ...(filter.store_id === undefined ? {} : { store_id: storeId }) };
  const costs: Cost[][] = [];
  for (const [from, to] of [
    [0, 360],
    [360, 3_600],
  ] as const) {
    await crowd(from, to, (i) => `CASE ${i} % 3 WHEN 0 THEN 0 WHEN 1 THEN 1 + ${i} % 9 ELSE 40 END`);
    const walked: Cost[] = [];
    let cursor: string | null = null;
    for (let at = 0; at < 4; at++) {
      const { db, cost } = watchedDb();
      const asked = inventoryQuerySchema.parse(cursor === null ? query : { ...query, cursor });
      const list = await listInventory(testContext({ env: { ...env, DB: db } }), asked);
      expect(list?.results).toHaveLength(20);
      cursor = list?.next_cursor ?? null;
      walked.push(cost);
    }
    costs.push(walked);
  }
  expect(costs[1]).toEqual(costs[0]);
  for (const { read } of costs[0] ?? []) expect(read).toBeLessThanOrEqual(21 * 4 + 2);
});

test("counts what a filter finds, without finding it", async () => {
  const [near = "", far = ""] = await givenProjection([
    [11, 0],
    [10, 30],
    [0, 1],
  ]);
  const counted = async (query: Record<string, string>) => (await page(query)).count;
  const counts = await Promise.all(
    ([undefined, near, far] as const).map(async (store_id) => {
      const store: Record<string, string> = store_id === undefined ? {} : { store_id };
      return [
        await counted(store),
        await counted({ ...store, low_stock: "true" }),
        await counted({ ...store, out_of_stock: "true" }),
        await counted({ ...store, low_stock: "true", out_of_stock: "true" }),
      ];
    }),
  );
  expect(counts).toEqual([
    [6, 2, 2, 4],
    [3, 1, 1, 2],
    [3, 1, 1, 2],
  ]);
});
