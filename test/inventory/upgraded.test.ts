import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { pageOf } from "./dumped.ts";
import { givenProducts } from "./reports.ts";

/** Storage that a version before this one left behind. */

/** What the tables were when each hold was a row of its own: schema 3. */
const BEFORE = [
  `CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1), schema INTEGER NOT NULL, product_id TEXT NOT NULL, epoch INTEGER NOT NULL,
    version INTEGER NOT NULL, acked INTEGER NOT NULL, sent_at INTEGER NOT NULL, report_at INTEGER,
    generation INTEGER NOT NULL DEFAULT 0, loading INTEGER NOT NULL DEFAULT 0
  )`,
  `CREATE TABLE levels (
    store_id TEXT PRIMARY KEY, on_hand INTEGER NOT NULL, reserved INTEGER NOT NULL, version INTEGER NOT NULL,
    CHECK (0 <= reserved AND reserved <= on_hand)
  ) WITHOUT ROWID`,
  `CREATE TABLE claims (
    claim TEXT PRIMARY KEY, order_id TEXT, state TEXT NOT NULL CHECK (state IN ('open', 'settled')),
    version INTEGER NOT NULL, ask_at INTEGER NOT NULL, asks INTEGER NOT NULL, created_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
  "CREATE INDEX claims_due ON claims (ask_at) WHERE state = 'open'",
  "CREATE INDEX claims_unheard ON claims (claim) WHERE state = 'open' AND version = 0",
  `CREATE TABLE holds (
    claim TEXT NOT NULL, store_id TEXT NOT NULL, kept INTEGER NOT NULL CHECK (kept >= 0),
    shipped INTEGER NOT NULL CHECK (shipped >= 0), PRIMARY KEY (claim, store_id)
  ) WITHOUT ROWID`,
  `CREATE TABLE movements (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, store_id TEXT NOT NULL, quantity INTEGER NOT NULL,
    on_hand_before INTEGER NOT NULL, reserved_before INTEGER NOT NULL, on_hand_after INTEGER NOT NULL,
    reserved_after INTEGER NOT NULL, actor TEXT NOT NULL, reason TEXT, reference TEXT, order_id TEXT
  )`,
  "CREATE INDEX movements_store ON movements (store_id, at)",
  "CREATE TABLE operations (id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, outcome TEXT NOT NULL) WITHOUT ROWID",
];

/** Of the version before that, what was added since. */
const TO_SCHEMA_2 = [
  "ALTER TABLE meta DROP COLUMN generation",
  "ALTER TABLE meta DROP COLUMN loading",
  "UPDATE meta SET schema = 2",
];

/** Of the version after that, what was added in it. */
const TO_SCHEMA_4 = [
  "ALTER TABLE claims ADD COLUMN line INTEGER",
  "ALTER TABLE operations ADD COLUMN line INTEGER",
  "UPDATE claims SET line = 3",
  "UPDATE meta SET schema = 4",
];

/** Of the version before this one, what was changed in it and in the one before that. */
const TO_SCHEMA_6 = [
  ...TO_SCHEMA_4,
  "ALTER TABLE claims ADD COLUMN parts TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(parts))",
  `UPDATE claims SET parts = (
     SELECT json_group_array(json_object('store_id', store_id, 'kept', kept, 'shipped', shipped) ORDER BY store_id)
     FROM holds WHERE holds.claim = claims.claim)`,
  "DROP TABLE holds",
  "DROP INDEX claims_unheard",
  "UPDATE meta SET schema = 6",
];

/** Two stores; of six claims one is provisional, one of a living order in both stores, one shipped in part, three ended. */
const ROWS = [
  "INSERT INTO meta VALUES (1, 3, 'prd_1', 1000, 9, 8, 500, 2000, 0, 0)",
  "INSERT INTO levels VALUES ('sto_1', 20, 5, 8), ('sto_2', 9, 3, 9)",
  `INSERT INTO claims VALUES
     ('clm_1', 'ord_1', 'open', 0, 5000, 0, 100), ('clm_2', 'ord_2', 'open', 1, 6000, 1, 200),
     ('clm_3', 'ord_3', 'open', 2, 7000, 2, 300), ('clm_4', 'ord_4', 'settled', 3, 8000, 0, 400),
     ('clm_5', NULL, 'settled', 1, 900, 0, 900), ('clm_6', 'ord_6', 'settled', 1, 800, 0, 500)`,
  `INSERT INTO holds VALUES
     ('clm_1', 'sto_1', 2, 0), ('clm_2', 'sto_2', 2, 0), ('clm_2', 'sto_1', 2, 0), ('clm_3', 'sto_1', 1, 4),
     ('clm_3', 'sto_2', 1, 0), ('clm_4', 'sto_2', 0, 6), ('clm_6', 'sto_1', 0, 0)`,
  `INSERT INTO movements (at, type, store_id, quantity, on_hand_before, reserved_before, on_hand_after, reserved_after, actor)
     VALUES (700, 'opening', 'sto_1', 20, 0, 0, 20, 0, 'a'), (700, 'opening', 'sto_2', 9, 0, 0, 9, 0, 'a'),
       (800, 'reserve', 'sto_1', 5, 20, 0, 20, 5, 'a'), (800, 'reserve', 'sto_2', 3, 9, 0, 9, 3, 'a')`,
];

const objectOf = (productId: string) => env.STOCK.get(env.STOCK.idFromName(productId));

async function givenStorage(productId: string, statements: string[]): Promise<void> {
  await runInDurableObject(objectOf(productId), (_, { storage }) => {
    for (const statement of statements) storage.sql.exec(statement);
  });
  await evictDurableObject(objectOf(productId));
}

/** Its tables, with their columns, and its indexes. */
const shapeOf = (productId: string) =>
  runInDurableObject(objectOf(productId), (_, { storage }) =>
    storage.sql
      .exec(
        `SELECT m.type, m.name, m.tbl_name, CASE m.type WHEN 'index' THEN m.sql END AS text,
           (SELECT group_concat(c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || c.pk, ', ' ORDER BY c.cid)
            FROM pragma_table_info(m.name) AS c) AS columns
         FROM sqlite_master AS m WHERE m.name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY m.name`,
      )
      .toArray(),
  );

test.each([
  ["3", BEFORE, ROWS],
  ["2", BEFORE, [...ROWS, ...TO_SCHEMA_2]],
  ["4", BEFORE, [...ROWS, ...TO_SCHEMA_4]],
  ["6", BEFORE, [...ROWS, ...TO_SCHEMA_6]],
])("an object with the tables of schema %s goes on where it was", async (_, tables, rows) => {
  await givenStorage("prd_1", [...tables, ...rows]);
  const stock = stockOf(env, "prd_1");
  const part = (store_id: string, kept: number, shipped: number) => ({ store_id, kept, shipped });
  expect(await stock.audit(["clm_4", "clm_5", "clm_6"])).toMatchObject({
    ...{ epoch: 1000, version: 9, acked: 8, due: 15_000 },
    claims: [
      { claim: "clm_1", order_id: "ord_1", version: 0, ask_at: 5000, parts: [part("sto_1", 2, 0)] },
      { claim: "clm_2", version: 1, parts: [part("sto_1", 2, 0), part("sto_2", 2, 0)] },
      { claim: "clm_3", version: 2, parts: [part("sto_1", 1, 4), part("sto_2", 1, 0)] },
      { claim: "clm_4", state: "settled", version: 3, parts: [part("sto_2", 0, 6)] },
      { claim: "clm_5", state: "settled", order_id: null, parts: [] },
      { claim: "clm_6", state: "settled", parts: [part("sto_1", 0, 0)] },
    ],
  });

  const reserve = async (claim: string, quantity: number) => {
    const request = { claim, orderId: "o", quantity, stores: [], only: false };
    return (await stock.reserve("prd_1", [request], 60_000))[0];
  };
  const inTheWay = [{ claim: "clm_1", quantity: 2 }];
  expect(await reserve("clm_7", 22)).toEqual({ kind: "short", available: 21, inTheWay });
  expect(await reserve("clm_5", 1)).toEqual({ kind: "settled" });
  expect(await reserve("clm_3", 6)).toEqual({
    kind: "held",
    allocations: [
      { store_id: "sto_1", quantity: 5 },
      { store_id: "sto_2", quantity: 1 },
    ],
  });
  const state = { sto_1: { keep: 0, shipped: 5 }, sto_2: { keep: 1, shipped: 0 } };
  expect(await stock.follow("prd_1", [{ claim: "clm_3", version: 3, state }])).toEqual([{ kind: "applied" }]);
  expect((await stock.levels()).stores).toMatchObject([
    { on_hand: 19, reserved: 4 },
    { on_hand: 9, reserved: 3 },
  ]);
  await stockOf(env, "prd_new").open("prd_new", { levels: [{ store_id: "sto_1", quantity: 1 }], actor: "a" });
  expect(await shapeOf("prd_1")).toEqual(await shapeOf("prd_new"));
});

test.each([
  ["2", TO_SCHEMA_2],
  ["3", []],
  ["4", TO_SCHEMA_4],
  ["6", TO_SCHEMA_6],
])("an object with the tables of schema %s is restored like any", async (_, steps) => {
  await givenStorage("prd_1", [...BEFORE, ...ROWS, ...steps]);
  await runInDurableObject(objectOf("prd_1"), async (object) => {
    const before = await object.audit([]);
    const { rows } = pageOf(await object.dump(null));
    expect(await object.empty("prd_1", 3)).toEqual({ kind: "emptied" });
    expect(await object.load("prd_1", { first: true, last: true, rows, generation: 3 })).toEqual({
      kind: "loaded",
    });
    const after = await object.audit([]);
    expect(after.levels).toEqual(before.levels);
    expect(after.claims.map(({ claim, parts }) => ({ claim, parts }))).toEqual(
      before.claims.map(({ claim, parts }) => ({ claim, parts })),
    );
    const request = { claim: "clm_7", orderId: "o", quantity: 1, stores: [], only: false };
    await expect(object.reserve("prd_1", [request], 60_000, 2)).rejects.toThrow("restored after");
    expect(await object.reserve("prd_1", [request], 60_000, 3)).toMatchObject([{ kind: "held" }]);
  });
});

test("what an object of schema 6 was to report, it reports when its alarm rings", async () => {
  await givenProducts(2);
  const asksLater = "UPDATE claims SET ask_at = 9000000000000";
  await givenStorage("prd_1", [...BEFORE, ...ROWS, ...TO_SCHEMA_6, asksLater]);
  await runInDurableObject(objectOf("prd_1"), (_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
  await evictDurableObject(objectOf("prd_1"));
  expect(await stockOf(env, "prd_1").levels()).toMatchObject({ on_hand: 29, reserved: 8 });
  await runDurableObjectAlarm(objectOf("prd_1"));
  const listed = async () =>
    (await env.DB.prepare("SELECT store_id, on_hand FROM stock_levels ORDER BY store_id").all()).results;
  await vi.waitFor(async () => expect(await listed()).toEqual([{ store_id: "sto_2", on_hand: 9 }]), 8_000);
}, 15_000);

test("an upgrade that fails leaves all as it was, and is done when it can be", async () => {
  await givenStorage("prd_1", [...BEFORE, ...ROWS, "ALTER TABLE holds RENAME TO holds_away"]);
  await runInDurableObject(objectOf("prd_1"), async (object, { storage }) => {
    await expect(object.levels()).rejects.toThrow("no such table: holds");
    expect(storage.sql.exec("SELECT schema FROM meta").one()).toEqual({ schema: 3 });
    storage.sql.exec("ALTER TABLE holds_away RENAME TO holds");
    expect(await object.holds()).toHaveLength(3);
  });
});

test("a part of a claim cannot be negative or without a number", async () => {
  await givenStorage("prd_1", [...BEFORE, ...ROWS]);
  const stocks = ["prd_1", "prd_new"];
  for (const productId of stocks) {
    await stockOf(env, productId).open(productId, {
      levels: [{ store_id: "sto_1", quantity: 1 }],
      actor: "a",
    });
    await runInDurableObject(objectOf(productId), (_, { storage }) => {
      for (const wrong of [
        '[{"kept":-1}]',
        '[{"shipped":-1}]',
        '[{"kept":null}]',
        '{"kept":1}',
        "kept",
        "[1",
      ]) {
        const insert = () =>
          storage.sql.exec("INSERT INTO claims VALUES ('clm_9', NULL, 'open', 0, 0, 0, 0, 0, ?)", wrong);
        expect(insert, wrong).toThrow("CHECK constraint failed");
      }
    });
  }
});

test("an object of 100,000 claims is upgraded at once", { timeout: 120_000 }, async () => {
  await givenStorage("prd_1", [
    ...BEFORE,
    ...ROWS,
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
     INSERT INTO claims SELECT printf('clm_x%06d', i), 'ord_' || i, 'settled', 2, 0, 0, 0 FROM n`,
    "INSERT INTO holds SELECT claim, 'sto_1', 0, 2 FROM claims WHERE claim LIKE 'clm\\_x%' ESCAPE '\\'",
    "INSERT INTO holds SELECT claim, 'sto_2', 0, 1 FROM claims WHERE claim LIKE 'clm\\_x%' ESCAPE '\\'",
  ]);
  expect(await stockOf(env, "prd_1").levels()).toMatchObject({ on_hand: 29 });
  const { claims } = await stockOf(env, "prd_1").audit(["clm_x099999"]);
  expect(claims.find(({ claim }) => claim === "clm_x099999")?.parts).toEqual([
    { store_id: "sto_1", kept: 0, shipped: 2 },
    { store_id: "sto_2", kept: 0, shipped: 1 },
  ]);
});
