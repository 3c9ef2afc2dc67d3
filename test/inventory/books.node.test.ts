import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { Books } from "../../src/inventory/object/books.ts";
import { move } from "../../src/inventory/object/ledger.ts";
import { countIn } from "../../src/inventory/object/levels.ts";
import type { Stock } from "../../src/inventory/object/stock.ts";
import type { StockRow } from "../../src/inventory/stock-types.ts";
import { pageOf, restoreInto } from "./dumped.ts";
import { nodeSql } from "./node-sql.ts";
import { quietStock } from "./quiet-stock.ts";

/** What a living object remembers of its storage is what stands there, whoever changed it. */

const PRODUCT = "prd_1";

function givenStock() {
  const db = new DatabaseSync(":memory:");
  const stock = quietStock(db, 1_800_000_000_000);
  stock.open(PRODUCT, { levels: [{ store_id: "sto_1", quantity: 5 }], actor: "a" });
  return { db, stock };
}

const reserve = (stock: Stock, claim: string) =>
  stock.reserve(PRODUCT, [{ claim, orderId: `ord_${claim}`, quantity: 2, stores: [], only: false }], 60_000);

test("of a turn that fails at its end, when its levels are stored, nothing is remembered", () => {
  const { db, stock } = givenStock();
  db.exec("CREATE TRIGGER full BEFORE UPDATE ON levels BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
  expect(() => reserve(stock, "clm_1")).toThrow("the disk is full");
  db.exec("DROP TRIGGER full");
  expect(stock.levels()).toMatchObject({ on_hand: 5, reserved: 0 });
  reserve(stock, "clm_2");
  expect(stock.movements(null, 1).movements).toMatchObject([{ seq: 2, after: { on_hand: 5, reserved: 2 } }]);
});

test("a level that cannot be is refused at once, and not only where the turn ends with it", () => {
  const { db } = givenStock();
  const sql = nodeSql(db);
  const turn = { sql, now: 0, books: new Books(sql) };
  const about = { storeId: "sto_1", actor: "a" };
  expect(() => move(turn, { type: "reserve", quantity: 6, ...about })).toThrow("6 of 5 units");
  expect(() => move(turn, { type: "release", quantity: 1, ...about })).toThrow("-1 of 5 units");
  expect(countIn(turn.books, "sto_1")).toEqual({ on_hand: 5, reserved: 0 });
});

test("an audit looks at what is stored, and the object goes by that from then on", () => {
  const { db, stock } = givenStock();
  db.exec("UPDATE levels SET on_hand = 9");
  expect(stock.audit([])).toMatchObject({ levels: [{ on_hand: 9 }], ledger: [{ on_hand: 5 }] });
  expect(stock.levels()).toMatchObject({ on_hand: 9 });
  db.exec("UPDATE levels SET on_hand = 8");
  stock.mend(PRODUCT, { operation: "op", balance: true, holds: [], tellBeyond: null });
  expect(stock.movements(null, 1).movements).toMatchObject([
    { reason: "reconcile: the level was 8, of which 0 reserved", after: { on_hand: 5 } },
  ]);
  expect(stock.levels()).toMatchObject({ on_hand: 5 });
});

test("a living object that is loaded goes by what was loaded: its levels, its ledger and its version", () => {
  const { stock } = givenStock();
  reserve(stock, "clm_1");
  const { rows } = pageOf(stock.dump(null));
  const before = stock.audit([]);
  for (const claim of ["clm_2", "clm_3"]) reserve(stock, claim);
  restoreInto(stock, PRODUCT, rows, 1);
  expect(stock.levels()).toMatchObject({ on_hand: 5, reserved: 2 });
  expect(stock.audit([]).version).toBe(before.version);
  reserve(stock, "clm_4");
  expect(stock.movements(null, 1).movements).toMatchObject([{ seq: 3, reference: "clm_4" }]);
});

test("a living object that is emptied remembers nothing of before, and that it is being restored", () => {
  const { stock } = givenStock();
  expect(stock.levels()).toMatchObject({ on_hand: 5 });
  stock.empty(PRODUCT, 1);
  expect(stock.levels()).toEqual({ on_hand: 0, reserved: 0, available: 0, stores: [] });
  expect(() => reserve(stock, "clm_1")).toThrow("being restored");
});

test("a part of a load that is refused leaves the object as it was, and as it remembers it", () => {
  const { stock } = givenStock();
  const row = (store_id: string, on_hand: number, reserved: number): StockRow => ({
    table: "levels",
    row: { store_id, on_hand, reserved, version: 1 },
  });
  const part = { first: false, last: true, generation: 1 };
  stock.empty(PRODUCT, 1);
  stock.load(PRODUCT, { ...part, first: true, last: false, rows: [row("sto_1", 5, 0)] });
  const wrong = [row("sto_1", 7, 0), row("sto_2", 1, 2)];
  expect(stock.load(PRODUCT, { ...part, rows: wrong })).toMatchObject({ kind: "unfit" });
  expect(stock.levels()).toMatchObject({ on_hand: 5, stores: [{ store_id: "sto_1" }] });
  expect(() => reserve(stock, "clm_1")).toThrow("being restored");
  expect(stock.load(PRODUCT, { ...part, rows: [] })).toEqual({ kind: "loaded" });
  reserve(stock, "clm_1");
  expect(stock.movements(null, 1).movements).toMatchObject([{ seq: 1, after: { on_hand: 5, reserved: 2 } }]);
});
