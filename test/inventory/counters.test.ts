import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { applyReports, recountStock } from "../../src/inventory/projection/projection.ts";
import type { StockReport } from "../../src/inventory/stock-types.ts";
import { finishTables } from "../../src/ops/backup/dump-table.ts";
import { runBatch } from "../../src/platform/sql.ts";
import { testContext } from "../events/context.ts";
import { closeForRestore } from "../ops/restore/close.ts";
import { givenCatalog } from "../support/catalog.ts";
import { unheard } from "./reports.ts";

const TABLES = ["stock_levels", "product_stock", "store_stock", "stock_states"];
const KEYS = ["product_id, store_id", "product_id", "store_id", "state"];

/** All that stands over the projection, less counts of nothing: a store or state that was once counted keeps its row. */
async function counted(): Promise<unknown[][]> {
  const results = await env.DB.batch<Record<string, unknown>>(
    TABLES.map((table, index) => env.DB.prepare(`SELECT * FROM ${table} ORDER BY ${KEYS[index]}`)),
  );
  return results.map(({ results: rows }) =>
    rows
      .filter(
        (row) => row.levels !== 0 && (row.product_id !== undefined || row.products !== 0 || "levels" in row),
      )
      // When it last changed is told by what changed it, and not by what is left of it.
      .map(({ updated_at: _, ...row }) => row),
  );
}

/** What everybody would count by hand, in no SQL at all. */
async function countedByHand() {
  const levels = (await env.DB.prepare("SELECT * FROM stock_levels").all<Record<string, number>>()).results;
  const products = (await env.DB.prepare("SELECT * FROM products").all<Record<string, number>>()).results;
  const stateOf = (product: Record<string, number> | undefined, available: number) => {
    if (product?.active !== 1) return "archived";
    if (available === 0) return "out";
    return available <= (product.low_stock_threshold ?? 0) ? "low" : "healthy";
  };
  const sum = (rows: Record<string, number>[], field: string) =>
    rows.reduce((total, row) => total + (row[field] ?? 0), 0);
  const stores = Map.groupBy(
    levels.map((level) => {
      const product = products.find(({ id }) => id === level.product_id);
      return { ...level, state: stateOf(product, level.available ?? 0) };
    }),
    (level: Record<string, unknown>) => String(level.store_id),
  );
  return {
    products: products
      .map((product) => {
        const own = levels.filter((level) => level.product_id === product.id);
        const available = sum(own, "available");
        return [product.id, sum(own, "on_hand"), available, own.length, stateOf(product, available)];
      })
      .sort(),
    stores: [...stores]
      .map(([id, all]) => {
        const own = all.filter(({ state }) => state !== "archived") as unknown as Record<string, number>[];
        const inState = (name: string) => all.filter(({ state }) => state === name).length;
        return [
          id,
          all.length,
          own.length,
          sum(own, "on_hand"),
          sum(own, "available"),
          inState("low"),
          inState("out"),
        ];
      })
      .sort(),
  };
}

async function isTrue(): Promise<void> {
  const [, products = [], stores = []] = (await counted()) as Record<string, unknown>[][];
  expect({
    products: products
      .map((row) => [row.product_id, row.on_hand, row.available, row.stores, row.state])
      .sort(),
    stores: stores
      .map((row) => [
        ...[row.store_id, row.levels, row.products, row.units],
        ...[row.available, row.low_stock, row.out_of_stock],
      ])
      .sort(),
  }).toEqual(await countedByHand());
  const kept = await counted();
  await runBatch(env.DB, recountStock());
  expect(kept).toEqual(await counted());
}

let productIds: string[];
let storeIds: string[];
beforeEach(async () => {
  ({ productIds, storeIds } = await givenCatalog({ products: 3, stores: 3, lowStockThreshold: 4 }));
});

const index = fc.nat({ max: 2 });
/** Few lives and versions, so that many come twice, late, or from a life that is over. */
const aReport = fc
  .record({
    product: index,
    epoch: fc.integer({ min: 1, max: 2 }),
    levels: fc.uniqueArray(
      fc.record({
        store: index,
        onHand: fc.nat({ max: 9 }),
        kept: fc.nat({ max: 9 }),
        version: fc.integer({ min: 1, max: 6 }),
      }),
      { minLength: 1, maxLength: 3, selector: ({ store }) => store },
    ),
  })
  .map(
    ({ product, epoch, levels }): StockReport => ({
      productId: productIds[product] ?? "",
      epoch,
      version: 9,
      at: 1_800_000_000_000,
      levels: levels.map(({ store, onHand, kept, version }) => ({
        ...{ storeId: storeIds[store] ?? "", onHand, reserved: Math.min(kept, onHand), version },
      })),
    }),
  );
const anEdit = fc
  .tuple(
    index,
    fc.constantFrom(
      "UPDATE products SET low_stock_threshold = 0",
      "UPDATE products SET low_stock_threshold = 6, title = 'Z'",
      "UPDATE products SET active = 0",
      "UPDATE products SET active = 1",
      "UPDATE products SET price = 7",
      "UPDATE stock_levels SET on_hand = on_hand + 3, available = available + 3",
      "DELETE FROM stock_levels",
    ),
  )
  .map(([product, edit]) => {
    const key = edit.includes("products") ? "id" : "product_id";
    return `${edit} WHERE ${key} = '${productIds[product]}'`;
  });

test("what is counted is what a recount counts, whatever comes in whatever order, twice and by hand", async () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.array(aReport, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: anEdit },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      for (const one of steps) {
        if (typeof one === "string") await env.DB.prepare(one).run();
        else await applyReports(unheard(), one);
      }
      await isTrue();
    }),
    { numRuns: 25, seed: 20_261_121 },
  );
});

describe("a restore", () => {
  const told = (epoch: number, at = epoch): StockReport[] =>
    productIds.map((productId, product) => ({
      ...{ productId, epoch, version: 3, at },
      levels: storeIds.map((storeId, store) => ({
        ...{ storeId, onHand: product * 3 + store, reserved: 0, version: 1 + store },
      })),
    }));

  test("begins with no stock and ends with the same counts, when the objects have told again", async () => {
    await applyReports(unheard(), told(1));
    const before = await counted();
    const notices = () => env.DB.prepare("SELECT product_id, told FROM low_stock ORDER BY 1").all();
    await env.DB.prepare("UPDATE low_stock SET told = 1").run();
    const { results: known } = await notices();
    expect(known).toHaveLength(1);

    // What loading tables does to them: rows are put in anew, over those of a shop that was there.
    await env.DB.prepare("INSERT OR REPLACE INTO products SELECT * FROM products").run();
    await env.DB.prepare("DELETE FROM products WHERE id = ?1").bind(productIds[2]).run();
    await finishTables(testContext(), await closeForRestore());
    const [levels, products, stores, states] = await counted();
    expect([levels, stores]).toEqual([[], []]);
    expect(products).toHaveLength(2);
    expect(states).toEqual([{ state: "out", products: 2 }]);
    await isTrue();

    await applyReports(unheard(), told(2).slice(0, 2));
    await isTrue();
    const kept = (table: unknown[] = []) =>
      table
        .map((row) => ({ ...(row as object), epoch: 0 }) as Record<string, unknown>)
        .filter(({ product_id }) => product_id !== productIds[2]);
    expect(kept((await counted())[1])).toEqual(kept(before[1]));
    expect((await notices()).results).toEqual(known);
  });
});

test("a report of a product that is not there, as after a restore, is not kept and counts for nothing", async () => {
  const stranger = { productId: "prd_unknown", epoch: 1, version: 1, at: 1 };
  await applyReports(unheard(), [
    { ...stranger, levels: [{ storeId: storeIds[0] ?? "", onHand: 5, reserved: 0, version: 1 }] },
  ]);
  const [levels = [], , stores = []] = await counted();
  expect([levels, stores]).toEqual([[], []]);
});

test("a change of a product writes only what it changes of its stock", async () => {
  const [product = ""] = productIds;
  await applyReports(unheard(), [
    {
      ...{ productId: product, epoch: 1, version: 1, at: 1 },
      levels: storeIds.map((storeId, store) => ({ storeId, onHand: 5 + store, reserved: 0, version: 1 })),
    },
  ]);
  const written = async (change: string) => {
    const { meta } = await env.DB.prepare(`UPDATE products SET ${change} WHERE id = ?1`).bind(product).run();
    return meta.rows_written;
  };
  const PRICE = await written("price = 7");
  const ROW = await written("low_stock_threshold = 3");
  expect(ROW).toBeLessThan(PRICE); // no index stands over it
  expect(await written("low_stock_threshold = 4, title = title")).toBe(ROW);
  // The level that came to it, its two places among what is scarce and its one on the shelf, its store.
  expect(await written("low_stock_threshold = 5")).toBe(ROW + 5);
  // And what is searched.
  expect(await written("description = 'x'")).toBe(ROW + 2);
  await isTrue();
});
