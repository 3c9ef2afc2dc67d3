import { one, type Sql, type Turn } from "./sql-port.ts";

/** A CHECK can look at no element of a list, but it can look for what no value may begin with: a minus sign, or null. */
const PARTS = `parts TEXT NOT NULL DEFAULT '[]'
      CHECK (json_valid(parts) AND parts LIKE '[%' AND instr(parts, '":-') = 0 AND instr(parts, '":null') = 0)`;

/**
 * The storage of one Stock object. docs/STORAGE.md#stock says what each table and index is for, who writes it and how
 * long its rows live. Stamps are milliseconds in UTC. What the columns mean:
 *
 * - meta.schema: which version of these tables this is. meta.epoch: when this storage was initialised. A restore
 *   initialises it again, so the restored object's reports win over those from before.
 * - levels.version: how many changes of levels there had been when the row last changed, itself included. meta.acked: the
 *   projection has everything up to this version, as it was when a report was last acknowledged; what was heard since is
 *   known in memory alone. meta.generation: the restore generation in which the object
 *   was made or last restored. meta.loading: 1 from when a restore empties the object until its last part is loaded.
 * - claims.version: the order's version that was last applied; 0 until the object has heard of a living order.
 *   claims.ask_at: when an open claim is due to ask for its fate. claims.asks: how often it got an answer. claims.order_id
 *   is null for a tombstone: a claim that was dead before it ever held anything here. claims.state: `settled` means that
 *   the claim has released everything and can never hold again.
 * - claims.line, operations.line: the last line of the ledger when the row was last changed, but for `ask_at` and `asks`; null
 *   in a row of before there was this column. By it a dump finds what changed since it began.
 * - claims.parts: JSON of the claim's units in each store, by the store's id. `kept`: units that are still reserved; what
 *   the open claims keep in a store is its `reserved`. `shipped`: units that have left. Nothing in it is negative.
 * - movements.at never falls from one line to the next, even if the clock does.
 */
const TABLES = [
  `CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    schema INTEGER NOT NULL,
    product_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    acked INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,
    loading INTEGER NOT NULL DEFAULT 0
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
    created_at INTEGER NOT NULL,
    line INTEGER,
    ${PARTS}
  ) WITHOUT ROWID`,
  "CREATE INDEX claims_due ON claims (ask_at) WHERE state = 'open'",
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
  // Finds a store's levels at a past time. SQLite adds seq, the rowid, as the last part of the key by itself.
  "CREATE INDEX movements_store ON movements (store_id, at)",
  `CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    outcome TEXT NOT NULL,
    line INTEGER
  ) WITHOUT ROWID`,
];

const SCHEMA = 7;

/** What brings tables of the version before to this one. */
const UPGRADES: { to: number; statements: string[] }[] = [
  {
    to: 3,
    statements: [
      "ALTER TABLE meta ADD COLUMN generation INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE meta ADD COLUMN loading INTEGER NOT NULL DEFAULT 0",
    ],
  },
  {
    to: 4,
    statements: [
      "ALTER TABLE claims ADD COLUMN line INTEGER",
      "ALTER TABLE operations ADD COLUMN line INTEGER",
    ],
  },
  {
    to: 5,
    statements: [
      `ALTER TABLE claims ADD COLUMN ${PARTS}`,
      `UPDATE claims SET parts = (
         SELECT json_group_array(json_object('store_id', store_id, 'kept', kept, 'shipped', shipped) ORDER BY store_id)
         FROM holds WHERE holds.claim = claims.claim)`,
      "DROP TABLE holds",
    ],
  },
  { to: 6, statements: ["DROP INDEX claims_unheard"] },
  {
    // The alarm for a report that was due is set, and stays so.
    to: 7,
    statements: ["version", "sent_at", "report_at"].map((column) => `ALTER TABLE meta DROP COLUMN ${column}`),
  },
];

/** Brings tables of an earlier version to this one. To be called before anything else is done with them. */
export function upgrade(sql: Sql): void {
  const { schema } = one(sql.all<{ schema: number }>("SELECT schema FROM meta"));
  if (schema >= SCHEMA) return;
  for (const { to, statements } of UPGRADES) {
    if (schema < to) for (const statement of statements) sql.all(statement);
  }
  sql.all("UPDATE meta SET schema = ?", SCHEMA);
}

/** Whether anything was ever written here. Every read must ask this first, since before it there are no tables. */
export const isInitialised = (sql: Sql): boolean =>
  sql.all("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'").length > 0;

/** Makes the tables, in the transaction of the first write: naming a product must not create an object. */
export function initialise(
  { sql, now }: Pick<Turn, "sql" | "now">,
  productId: string,
  generation: number,
): void {
  for (const table of TABLES) sql.all(table);
  sql.all(
    "INSERT INTO meta (one, schema, product_id, epoch, acked, generation) VALUES (1, ?, ?, ?, 0, ?)",
    SCHEMA,
    productId,
    now,
    generation,
  );
}

/** Drops all tables, those of earlier versions too, as if nothing had ever been written here. */
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
  acked: number;
  /** The restore generation in which the object was made or last restored. */
  generation: number;
  /** 1 from when a restore empties the object until its last part is loaded. */
  loading: 0 | 1;
}

export const readMeta = (sql: Sql): Meta =>
  one(sql.all<Meta>("SELECT product_id, epoch, acked, generation, loading FROM meta"));
