import { one, type Sql, type Turn } from "./sql-port.ts";

/**
 * The storage of one Stock object. The object is its only reader and writer; D1 keeps a projection of `levels`.
 * Nothing is stored before the first write, so that naming a product makes no object. Stamps are milliseconds UTC.
 *
 * | table      | key              | one row for                                          | lives                  |
 * | ---------- | ---------------- | ---------------------------------------------------- | ---------------------- |
 * | meta       | one (always 1)   | the object: whose stock, and what the projection knows | as long as the object |
 * | levels     | store_id         | each store that ever had any of the product          | for ever               |
 * | claims     | claim            | each claim that ever held here, or was buried here   | for ever: a dead claim |
 * |            |                  |                                                      | must stay known as dead |
 * | holds      | claim, store_id  | the units of a claim in a store                      | as its claim           |
 * | movements  | seq              | each change of a level: the ledger, append-only      | for ever               |
 * | operations | id               | each command of a person, with its answer            | for ever               |
 *
 * Who writes what: `levels` and `movements` only ledger.ts, together, so that levels are the sums of the ledger by
 * construction; `claims` and `holds` only holds.ts, save when a claim asks, which is ask.ts; `operations` only
 * operations.ts; `meta`, once born, only report.ts. A restore (load.ts) writes all of them, and reconciliation mends
 * through the same files (mend.ts, balance.ts).
 *
 * - meta.schema: which of these layouts this is. meta.epoch: when this storage was born; a restored object is born
 *   again, and its reports beat those of its former life.
 * - meta.version counts changes of levels; levels.version is the count at which that row last changed. meta.acked:
 *   the projection has all up to here. meta.sent_at: the last report left then. meta.report_at: the next is due
 *   then; null when nothing is untold.
 * - claims.version: the order's version that was last applied; 0 until a living order was heard of. claims.ask_at:
 *   from when an open claim is due to ask for its fate; claims.asks: how often it was answered. claims.order_id is null
 *   for a claim that was buried before it ever held.
 * - holds.kept are units still reserved; holds.shipped those that have left. The sum of `kept` over a store's holds
 *   is its `reserved`.
 * - movements.at never falls from one line to the next, whatever the clock does.
 */
const TABLES = [
  `CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    schema INTEGER NOT NULL,
    product_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    acked INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    report_at INTEGER
  )`,
  `CREATE TABLE levels (
    store_id TEXT PRIMARY KEY,
    on_hand INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CHECK (0 <= reserved AND reserved <= on_hand)
  ) WITHOUT ROWID`,
  `CREATE TABLE claims (
    claim TEXT PRIMARY KEY,
    order_id TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'settled')),
    version INTEGER NOT NULL,
    ask_at INTEGER NOT NULL,
    asks INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
  "CREATE INDEX claims_due ON claims (ask_at) WHERE state = 'open'",
  "CREATE INDEX claims_unheard ON claims (claim) WHERE state = 'open' AND version = 0",
  `CREATE TABLE holds (
    claim TEXT NOT NULL,
    store_id TEXT NOT NULL,
    kept INTEGER NOT NULL CHECK (kept >= 0),
    shipped INTEGER NOT NULL CHECK (shipped >= 0),
    PRIMARY KEY (claim, store_id)
  ) WITHOUT ROWID`,
  `CREATE TABLE movements (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    store_id TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    on_hand_before INTEGER NOT NULL,
    reserved_before INTEGER NOT NULL,
    on_hand_after INTEGER NOT NULL,
    reserved_after INTEGER NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT,
    reference TEXT,
    order_id TEXT
  )`,
  // Where a store stood at a past time: seq, which is the rowid, is the last part of the key by itself.
  "CREATE INDEX movements_store ON movements (store_id, at)",
  `CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    outcome TEXT NOT NULL
  ) WITHOUT ROWID`,
];

const SCHEMA = 2;

/** Whether anything was ever written here. Reads must ask first: where there are no tables, there is no stock. */
export const isBorn = (sql: Sql): boolean =>
  sql.all("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'").length > 0;

/** Makes the tables, inside the transaction of the first write. */
export function bear({ sql, now }: Turn, productId: string): void {
  for (const table of TABLES) sql.all(table);
  sql.all(
    `INSERT INTO meta (one, schema, product_id, epoch, version, acked, sent_at, report_at)
     VALUES (1, ?, ?, ?, 0, 0, 0, NULL)`,
    SCHEMA,
    productId,
    now,
  );
}

/** Drops everything: as if nothing had ever been written here. */
export function wipe(sql: Sql): void {
  const named = sql.all<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN (SELECT value FROM json_each(?))",
    JSON.stringify(["meta", "levels", "claims", "holds", "movements", "operations"]),
  );
  for (const { name } of named) sql.all(`DROP TABLE ${name}`);
}

export interface Meta {
  product_id: string;
  epoch: number;
  version: number;
  acked: number;
  report_at: number | null;
}

export const readMeta = (sql: Sql): Meta =>
  one(sql.all<Meta>("SELECT product_id, epoch, version, acked, report_at FROM meta"));
