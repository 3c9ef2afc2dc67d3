import { DatabaseSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import fc from "fast-check";
import { expect, test } from "vitest";
import { dump } from "../../src/inventory/object/dump.ts";
import { Stock } from "../../src/inventory/object/stock.ts";
import type { StockRow } from "../../src/inventory/stock-types.ts";
import { nodeSql } from "./node-sql.ts";
import { StockRun } from "./stock-run.ts";
import { step } from "./stock-steps.ts";

const PRODUCT = "prd_1";
const SEED = Number(process.env.STOCK_SEED ?? 20_261_101);
const RUNS = 500;

/** All that a restore must bring back: what is held, what is there, how it came to that, and what must not be done again. */
const stored = (db: DatabaseSync) =>
  [
    "SELECT claim, store_id, kept, shipped FROM holds WHERE kept > 0 OR shipped > 0 ORDER BY claim, store_id",
    "SELECT claim, order_id, state FROM claims WHERE claim IN (SELECT claim FROM holds WHERE kept > 0) ORDER BY claim",
    "SELECT store_id, on_hand, reserved FROM levels ORDER BY store_id",
    "SELECT * FROM movements ORDER BY seq",
    "SELECT * FROM operations WHERE outcome ->> 'kind' = 'done' ORDER BY id",
    "SELECT version FROM meta",
  ].map((query) => db.prepare(query).all());

function restored(rows: StockRow[]): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  const stock = new Stock({
    sql: nodeSql(db),
    clock: { now: () => 1_900_000_000_000, sleep: async () => {} },
    log: getLogger("silent"),
    askFates: async () => [],
    sendReport: async () => {},
    arm: () => {},
  });
  expect(stock.load(PRODUCT, { first: true, last: true, rows, generation: 1 })).toEqual({ kind: "loaded" });
  return db;
}

test("an object that changes between any two pages of its dump is restored as it was at the last page", async () => {
  const steps = fc.array(step, { maxLength: 20 });
  const between = fc.array(fc.array(step, { maxLength: 3 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(steps, between, fc.integer({ min: 1, max: 4 }), async (before, meanwhile, pageRows) => {
      using db = new DatabaseSync(":memory:");
      const run = new StockRun(db);
      await run.take({ do: "open", levels: [{ store_id: "sto_a", quantity: 9 }] });
      for (const each of before) await run.take(each);
      const rows: StockRow[] = [];
      let next: string | null = null;
      do {
        const page = dump(nodeSql(db), next, pageRows);
        rows.push(...page.rows);
        next = page.next;
        if (next !== null) for (const each of meanwhile.shift() ?? []) await run.take(each);
      } while (next !== null);
      using copy = restored(rows);
      expect(stored(copy)).toEqual(stored(db));
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 120_000);
