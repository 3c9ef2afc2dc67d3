import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { applyReports } from "../../src/inventory/projection/projection.ts";
import type { StockReport } from "../../src/inventory/stock-types.ts";
import { testContext } from "../events/context.ts";
import { type Cost, watchedDb } from "../support/watched-db.ts";
import { crowd, givenLevels, givenProducts, reportOf, unheard } from "./reports.ts";

const report = (
  productId: string,
  epoch: number,
  levels: [store: string, onHand: number, version: number][],
): StockReport => ({
  productId,
  epoch,
  version: Math.max(...levels.map(([, , version]) => version)),
  at: 1_800_000_000_000 + epoch,
  levels: levels.map(([storeId, onHand, version]) => ({ storeId, onHand, reserved: 1, version })),
});

const projected = async () => {
  const query = "SELECT product_id, store_id, on_hand, available, epoch, version FROM stock_levels";
  const { results } = await env.DB.prepare(query).all<Record<string, unknown>>();
  return results.map((row) => Object.values(row));
};

test("reports may come twice, late and out of order: the newest of each level stays", async () => {
  const context = testContext();
  await givenProducts(2);
  const first = report("prd_1", 1, [["sto_1", 10, 1]]);
  const second = report("prd_1", 1, [
    ["sto_1", 8, 3],
    ["sto_2", 4, 2],
  ]);
  const third = report("prd_1", 1, [["sto_1", 6, 4]]);
  await applyReports(context, [third, first, second, first]);
  await applyReports(context, [second]);
  expect(await projected()).toEqual([
    ["prd_1", "sto_1", 6, 5, 1, 4],
    ["prd_1", "sto_2", 4, 3, 1, 2],
  ]);
});

test("what a restored object tells beats its former life, which is then no longer heard", async () => {
  const context = testContext();
  await givenProducts(2);
  await applyReports(context, [report("prd_1", 1, [["sto_1", 10, 90]])]);
  await applyReports(context, [report("prd_1", 2, [["sto_1", 7, 1]])]);
  await applyReports(context, [report("prd_1", 1, [["sto_1", 9, 91]])]);
  expect(await projected()).toEqual([["prd_1", "sto_1", 7, 6, 2, 1]]);
});

test("a hundred objects' reports are one batch", async () => {
  await givenProducts(100);
  let batches = 0;
  const counting = new Proxy(env.DB, {
    get(db, name) {
      if (name === "batch") batches += 1;
      const member = Reflect.get(db, name);
      return typeof member === "function" ? member.bind(db) : member;
    },
  });
  const reports = Array.from({ length: 100 }, (_, index) =>
    report(`prd_${index}`, 1, [["sto_1", index + 1, 1]]),
  );
  await applyReports(testContext({ env: { ...env, DB: counting } }), reports);
  expect(batches).toBe(1);
  expect(await projected()).toHaveLength(100);
});

test("news of a level writes it and what is counted of its store and product, however much is stored", async () => {
  const stores = 5;
  const { productIds, storeIds } = await givenLevels(
    Array.from({ length: 20 }, () => Array(stores).fill(50)),
  );
  const [product = ""] = productIds;
  const [store = ""] = storeIds;
  const costOf = async (reports: StockReport[]) => {
    const { db, cost } = watchedDb();
    const context = unheard();
    await applyReports({ ...context, env: { ...context.env, DB: db } }, reports);
    return cost;
  };
  const all = (available: number) => Object.fromEntries(storeIds.map((id) => [id, available]));
  const costs: Cost[][] = [];
  for (const [from, to] of [
    [0, 10],
    [10, 3_000],
  ] as const) {
    await crowd(from, to, (i) => `${i} % 30`);
    costs.push([
      await costOf([reportOf(product, { [store]: 49 })]),
      await costOf([reportOf(product, { [store]: 49 })]),
      await costOf([reportOf(product, { [store]: 5 })]),
      await costOf([reportOf(product, { [store]: 50 })]),
      await costOf(productIds.map((id) => reportOf(id, { [store]: 45 - costs.length }))),
      await costOf([reportOf(product, all(47))]),
      await costOf([reportOf(product, all(50))]),
    ]);
  }
  const [few, many] = costs;
  expect(many).toEqual(few);
  const written = few?.map((cost) => cost.written);
  // A level, its store, its product. Told again, the level, and when its store was told. Into and out of the indexes of what is scarce. One for
  // each of twenty products, with one batch's end; each store of one product.
  expect(written).toEqual([3, 2, 8, 8, 60, 15, 15]);
  for (const [index, levels] of [1, 1, 1, 1, 20, stores, stores].entries()) {
    expect(few?.[index]?.read).toBeLessThanOrEqual(levels * 16);
  }
});
