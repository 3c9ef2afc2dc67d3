import { DatabaseSync } from "node:sqlite";
import { getLogger } from "@logtape/logtape";
import { expect, test } from "vitest";
import { Stock } from "../../src/inventory/object/stock.ts";
import type { ClaimState, StockRow } from "../../src/inventory/stock-types.ts";
import { pageOf, restoreInto } from "./dumped.ts";
import { nodeSql } from "./node-sql.ts";

const PRODUCT = "prd_1";
const OPEN = { levels: [{ store_id: "sto_1", quantity: 1 }], actor: "t" };
const REQUEST = { claim: "clm_1", orderId: "ord_1", quantity: 1, stores: [], only: false };

/** An object of one product, whose question to D1 is answered by the test. */
function givenStock(db = new DatabaseSync(":memory:")) {
  let now = 1_800_000_000_000;
  const asked: ((claims: ClaimState[]) => void)[] = [];
  const stock = new Stock({
    sql: nodeSql(db),
    clock: { now: () => now, sleep: async () => {} },
    log: getLogger("silent"),
    askFates: () => new Promise((answer) => asked.push((claims) => answer({ claims, projected: [] }))),
    sendReport: async () => {},
    arm: () => {},
  });
  return { stock, asked, advance: (milliseconds: number) => (now += milliseconds) };
}

const dead: ClaimState = { claim: "clm_1", version: 2, state: {}, askAt: null };

test("what an alarm is told of the history before a restore lets nothing go after it", async () => {
  const { stock, asked, advance } = givenStock();
  stock.open(PRODUCT, OPEN);
  stock.reserve(PRODUCT, [REQUEST], 60_000);
  const { rows } = pageOf(stock.dump(null));
  advance(3_600_000);
  const alarm = stock.alarm();
  restoreInto(stock, PRODUCT, rows, 1);
  asked[0]?.([dead]);
  await alarm;
  expect(stock.levels()).toMatchObject({ on_hand: 1, reserved: 1 });

  // The restored hold asks again, and obeys that answer.
  const again = stock.alarm();
  asked[1]?.([dead]);
  await again;
  expect(stock.levels()).toMatchObject({ on_hand: 1, reserved: 0 });
});

/** What a backup had when each hold was a row of its own. */
const OLD_CLAIM = {
  claim: "clm_1",
  order_id: "ord_1",
  state: "open",
  ask_at: 5_000,
  asks: 0,
  created_at: 100,
};
const OLD_ROWS: StockRow[] = [
  { table: "claims", row: { ...OLD_CLAIM, version: 0 } },
  { table: "claims", row: { ...OLD_CLAIM, claim: "clm_2", order_id: null, state: "settled", version: 1 } },
  { table: "holds", row: { claim: "clm_1", store_id: "sto_2", kept: 3, shipped: 0 } },
  { table: "holds", row: { claim: "clm_1", store_id: "sto_1", kept: 4, shipped: 0 } },
  // It changed while the backup was made.
  { table: "claims", row: { ...OLD_CLAIM, version: 2, line: 2 } },
  { table: "holds", row: { claim: "clm_1", store_id: "sto_2", kept: 1, shipped: 2 } },
  { table: "holds", row: { claim: "clm_1", store_id: "sto_1", kept: 4, shipped: 0 } },
  { table: "meta", row: { schema: 3, version: 7, epoch: 1_000 } },
  { table: "levels", row: { store_id: "sto_1", on_hand: 9, reserved: 4, version: 6 } },
  { table: "levels", row: { store_id: "sto_2", on_hand: 1, reserved: 1, version: 7 } },
];

test("a backup in which each hold is a row of its own is loaded, wherever it is divided", () => {
  for (let end = 0; end <= OLD_ROWS.length; end++) {
    const { stock } = givenStock();
    stock.empty(PRODUCT, 1);
    const begin = { first: true, last: false, rows: OLD_ROWS.slice(0, end), generation: 1 };
    expect(stock.load(PRODUCT, begin)).toEqual({ kind: "loaded" });
    const rest = { first: false, last: true, rows: OLD_ROWS.slice(end), generation: 1 };
    expect(stock.load(PRODUCT, rest)).toEqual({ kind: "loaded" });
    expect(stock.audit(["clm_2"])).toMatchObject({
      version: 7,
      claims: [
        {
          ...{ claim: "clm_1", order_id: "ord_1", state: "open", version: 1, ask_at: 5_000 },
          parts: [
            { store_id: "sto_1", kept: 4, shipped: 0 },
            { store_id: "sto_2", kept: 1, shipped: 2 },
          ],
        },
        { claim: "clm_2", state: "settled", parts: [] },
      ],
    });
    const { rows: dumped } = pageOf(stock.dump(null));
    expect(dumped.find(({ row }) => row.claim === "clm_1")).toMatchObject({ row: { line: 2 } });
    const dead = { claim: "clm_1", version: 3, state: {} };
    expect(stock.follow(PRODUCT, [dead])).toEqual([{ kind: "applied" }]);
    expect(stock.levels()).toMatchObject({ on_hand: 10, reserved: 0 });
  }
});

test("a hold of such a backup that has no claim, or no number, is refused", () => {
  const { stock } = givenStock();
  stock.empty(PRODUCT, 1);
  const [claim] = OLD_ROWS;
  for (const wrong of [
    { claim: "clm_9" },
    { kept: -1 },
    { shipped: -1 },
    { kept: null },
    { store_id: null },
  ]) {
    const row = { claim: "clm_1", store_id: "sto_1", kept: 1, shipped: 0, ...wrong };
    const rows = [...(claim ? [claim] : []), { table: "holds" as const, row }];
    expect(stock.load(PRODUCT, { first: true, last: true, rows, generation: 1 }).kind).toBe("unfit");
  }
});

test("a part of a restore that another has begun anew is not gone on with", () => {
  const { stock } = givenStock();
  stock.open(PRODUCT, OPEN);
  const { rows } = pageOf(stock.dump(null));
  expect(stock.load(PRODUCT, { first: false, last: true, rows, generation: 1 })).toEqual({
    kind: "not_begun",
  });
  stock.empty(PRODUCT, 2);
  stock.load(PRODUCT, { first: true, last: false, rows, generation: 2 });
  expect(stock.load(PRODUCT, { first: false, last: true, rows, generation: 1 })).toEqual({
    kind: "not_begun",
  });
  // The same part again, as when its answer was lost: a loaded line counts, whatever is there.
  expect(stock.load(PRODUCT, { first: false, last: true, rows, generation: 2 })).toEqual({ kind: "loaded" });
  expect(stock.levels()).toMatchObject({ on_hand: 1, reserved: 0 });
});

test("an object obeys the restore that has emptied it until its last part, and no earlier one", () => {
  const { stock } = givenStock();
  stock.open(PRODUCT, OPEN);
  const { rows } = pageOf(stock.dump(null));
  const whole = { first: true, last: true, rows };
  expect(stock.load(PRODUCT, { ...whole, generation: 1 })).toEqual({ kind: "not_begun" });
  expect(stock.empty(PRODUCT, 2)).toEqual({ kind: "emptied" });
  expect(() => stock.reserve(PRODUCT, [REQUEST], 60_000, 2)).toThrow("being restored");
  expect(stock.empty(PRODUCT, 1)).toEqual({ kind: "superseded" });
  expect(stock.load(PRODUCT, { ...whole, generation: 1 })).toEqual({ kind: "not_begun" });
  // The same call again, as when its answer was lost.
  expect(stock.empty(PRODUCT, 2)).toEqual({ kind: "emptied" });
  expect(stock.load(PRODUCT, { ...whole, generation: 2 })).toEqual({ kind: "loaded" });
  expect(stock.empty(PRODUCT, 2)).toEqual({ kind: "superseded" });
  expect(stock.load(PRODUCT, { ...whole, generation: 2 })).toEqual({ kind: "not_begun" });
  expect(stock.levels()).toMatchObject({ on_hand: 1, reserved: 0 });
});

test("a restore that was given up half way is followed by another, and each life of the object has a later epoch", () => {
  const { stock } = givenStock();
  stock.open(PRODUCT, OPEN);
  const { rows } = pageOf(stock.dump(null));
  const epochs = [stock.audit([]).epoch];
  stock.empty(PRODUCT, 1);
  stock.load(PRODUCT, { first: true, last: false, rows, generation: 1 });
  epochs.push(stock.audit([]).epoch);
  restoreInto(stock, PRODUCT, rows, 2);
  epochs.push(stock.audit([]).epoch);
  expect(epochs.toSorted((one, other) => one - other)).toEqual(epochs);
  expect(new Set(epochs).size).toBe(3);
  expect(stock.reserve(PRODUCT, [REQUEST], 60_000, 2)).toMatchObject([{ kind: "held" }]);
});

test("an object that has nothing in the backup takes no command of before its restore", () => {
  const { stock } = givenStock();
  restoreInto(stock, PRODUCT, [], 1);
  expect(() => stock.open(PRODUCT, OPEN, 0)).toThrow("restored after");
  expect(stock.open(PRODUCT, OPEN, 1)).toEqual({ opened: ["sto_1"] });
});
