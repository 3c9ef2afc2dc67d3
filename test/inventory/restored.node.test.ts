import { DatabaseSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { expect, test } from "vitest";
import { Stock } from "../../src/inventory/object/stock.ts";
import type { ClaimState, StockRow } from "../../src/inventory/stock-types.ts";
import { nodeSql } from "./node-sql.ts";

const PRODUCT = "prd_1";
const OPEN = { levels: [{ store_id: "sto_1", quantity: 1 }], actor: "t" };
const REQUEST = { claim: "clm_1", orderId: "ord_1", quantity: 1, stores: [], only: false };

/** An object of one product, whose question to D1 is answered by the test. */
function givenStock(db = new DatabaseSync(":memory:")) {
  let now = 1_800_000_000_000;
  const asked: ((states: ClaimState[]) => void)[] = [];
  const stock = new Stock({
    sql: nodeSql(db),
    clock: { now: () => now, sleep: async () => {} },
    log: getLogger("silent"),
    askFates: () => new Promise((answer) => asked.push(answer)),
    sendReport: async () => {},
    arm: () => {},
  });
  return { stock, asked, advance: (milliseconds: number) => (now += milliseconds) };
}

function dumpOf(stock: Stock): StockRow[] {
  const rows: StockRow[] = [];
  for (let next: string | null = null, first = true; first || next !== null; first = false) {
    const page = stock.dump(next);
    rows.push(...page.rows);
    next = page.next;
  }
  return rows;
}

const dead: ClaimState = { claim: "clm_1", version: 2, state: {}, askAt: null };

test("what an alarm is told of the history before a restore lets nothing go after it", async () => {
  const { stock, asked, advance } = givenStock();
  stock.open(PRODUCT, OPEN);
  stock.reserve(PRODUCT, [REQUEST], 60_000);
  const rows = dumpOf(stock);
  advance(3_600_000);
  const alarm = stock.alarm();
  stock.load(PRODUCT, { first: true, last: true, rows, generation: 1 });
  asked[0]?.([dead]);
  await alarm;
  expect(stock.levels()).toMatchObject({ on_hand: 1, reserved: 1 });

  // The restored hold asks again, and obeys that answer.
  const again = stock.alarm();
  asked[1]?.([dead]);
  await again;
  expect(stock.levels()).toMatchObject({ on_hand: 1, reserved: 0 });
});

test("an object that was made before there were restore generations takes all commands, and is restored like any", () => {
  const db = new DatabaseSync(":memory:");
  const { stock } = givenStock(db);
  stock.open(PRODUCT, OPEN);
  const rows = dumpOf(stock);
  db.exec(
    "ALTER TABLE meta DROP COLUMN generation; ALTER TABLE meta DROP COLUMN loading; UPDATE meta SET schema = 2",
  );

  const { stock: woken } = givenStock(db);
  expect(woken.reserve(PRODUCT, [REQUEST], 60_000, 0)).toMatchObject([{ kind: "held" }]);
  expect(woken.load(PRODUCT, { first: true, last: true, rows, generation: 3 })).toEqual({ kind: "loaded" });
  expect(() => woken.reserve(PRODUCT, [REQUEST], 60_000, 2)).toThrow("restored after");
  expect(woken.reserve(PRODUCT, [REQUEST], 60_000, 3)).toMatchObject([{ kind: "held" }]);
});

test("a part of a restore that another has begun anew is not gone on with", () => {
  const { stock } = givenStock();
  stock.open(PRODUCT, OPEN);
  const rows = dumpOf(stock);
  expect(stock.load(PRODUCT, { first: false, last: true, rows, generation: 1 })).toEqual({
    kind: "not_begun",
  });
  stock.load(PRODUCT, { first: true, last: false, rows, generation: 2 });
  expect(stock.load(PRODUCT, { first: false, last: true, rows, generation: 1 })).toEqual({
    kind: "not_begun",
  });
  // The same part again, as when its answer was lost: a loaded line counts, whatever is there.
  expect(stock.load(PRODUCT, { first: false, last: true, rows, generation: 2 })).toEqual({ kind: "loaded" });
  expect(stock.levels()).toMatchObject({ on_hand: 1, reserved: 0 });
});
