import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { dump } from "../../src/inventory/object/dump.ts";
import type { Stock } from "../../src/inventory/object/stock.ts";
import type { StockRow } from "../../src/inventory/stock-types.ts";
import { dumpOf, pageOf, restoreInto } from "./dumped.ts";
import { nodeSql } from "./node-sql.ts";
import { quietStock } from "./quiet-stock.ts";
import { StockRun } from "./stock-run.ts";
import { step } from "./stock-steps.ts";

const PRODUCT = "prd_1";
const SEED = Number(process.env.STOCK_SEED ?? 20_261_101);
const RUNS = 500;

/**
 * All that a restore must bring back: what is held, what is there, how it came to that, and what must not be done again. Of
 * an open claim it brings back only whether the object has heard of its order, since the order may be earlier in D1.
 */
const stored = (db: DatabaseSync) =>
  [
    `SELECT claim, order_id, state, iif(state = 'open', min(version, 1), version) AS version, created_at, line, parts
     FROM claims ORDER BY claim`,
    "SELECT store_id, on_hand, reserved FROM levels ORDER BY store_id",
    "SELECT * FROM movements ORDER BY seq",
    "SELECT * FROM operations ORDER BY id",
    "SELECT max(version) FROM levels",
  ].map((query) => db.prepare(query).all());

function givenObject(db = new DatabaseSync(":memory:")) {
  const stock = quietStock(db, 1_900_000_000_000);
  return { db, stock };
}

function restored(rows: StockRow[]) {
  const object = givenObject();
  restoreInto(object.stock, PRODUCT, rows, 1);
  return object;
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
      const rows = await dumpOf(
        (cursor) => dump(nodeSql(db), cursor, pageRows),
        async () => {
          for (const each of meanwhile.shift() ?? []) await run.take(each);
        },
      );
      using copy = restored(rows).db;
      expect(stored(copy)).toEqual(stored(db));
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 120_000);

const STORE = "sto_1";
const want = (claim: string) => ({ claim, orderId: `ord_${claim}`, quantity: 1, stores: [], only: false });
const change = (stock: Stock, operation: string, type: "add" | "remove", quantity: number) =>
  stock.adjust(PRODUCT, {
    operation,
    storeId: STORE,
    type,
    quantity,
    reason: "r",
    reference: null,
    actor: "t",
  });

/** An object of which much is there, whose dump is of many pages. `between` is done after the first of them. */
async function dumpedWhile(between: (stock: Stock) => unknown) {
  const { db, stock } = givenObject();
  stock.open(PRODUCT, { levels: [{ store_id: STORE, quantity: 20 }], actor: "t" });
  for (let i = 0; i < 9; i++) change(stock, `op_${i}`, "add", 1);
  stock.reserve(
    PRODUCT,
    Array.from({ length: 9 }, (_, i) => want(`clm_${i}`)),
    60_000,
  );
  let done = false;
  const rows = await dumpOf(
    (cursor) => dump(nodeSql(db), cursor, 3),
    () => {
      if (!done) between(stock);
      done = true;
    },
  );
  return { db, rows };
}

test("a refusal that was answered between two pages of a dump stays one after it is restored", async () => {
  const { rows } = await dumpedWhile((stock) => {
    expect(change(stock, "op_00", "remove", 1_000).kind).toBe("stock_reserved");
  });
  const copy = restored(rows);
  change(copy.stock, "op_more", "add", 5_000);
  expect(change(copy.stock, "op_00", "remove", 1_000).kind).toBe("stock_reserved");
});

test("a claim that was told dead between two pages of a dump can hold nothing after it is restored", async () => {
  const { rows } = await dumpedWhile((stock) =>
    stock.follow(PRODUCT, [{ claim: "clm_00", version: 1, state: {} }]),
  );
  expect(restored(rows).stock.reserve(PRODUCT, [want("clm_00")], 60_000, 1)).toEqual([{ kind: "settled" }]);
});

test("a claim that was confirmed between two pages of a dump is so after it is restored", async () => {
  const { db, rows } = await dumpedWhile((stock) =>
    stock.follow(PRODUCT, [{ claim: "clm_0", version: 3, state: { [STORE]: { keep: 1, shipped: 0 } } }]),
  );
  expect(stored(restored(rows).db)).toEqual(stored(db));
});

test("a dump does not go on in an object that was restored meanwhile, is being restored, or is not there", () => {
  const { db, stock } = givenObject();
  const page = (cursor: string | null) => dump(nodeSql(db), cursor, 3);
  stock.open(PRODUCT, { levels: [{ store_id: STORE, quantity: 20 }], actor: "t" });
  const whole = pageOf(stock.dump(null)).rows;
  for (let i = 0; i < 9; i++) change(stock, `op_${i}`, "add", 1);
  const { next } = pageOf(page(null));
  expect(next).not.toBeNull();
  expect(givenObject().stock.dump(next)).toEqual({ kind: "restored" });
  stock.empty(PRODUCT, 1);
  expect([page(next), page(null)]).toEqual([{ kind: "restored" }, { kind: "restored" }]);
  stock.load(PRODUCT, { first: true, last: true, rows: whole, generation: 1 });
  expect([page(next).kind, page(null).kind]).toEqual(["restored", "page"]);
});
