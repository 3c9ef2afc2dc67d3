import type { EmptyOutcome, Held, LoadPage, StockRow, StockTable } from "../stock-types.ts";
import { Books } from "./books.ts";
import { partsJson } from "./holds.ts";
import { reportEverything } from "./report.ts";
import { initialise, isInitialised, readMeta, wipe } from "./schema.ts";
import type { Sql, Turn } from "./sql-port.ts";

/** A restore looks at the storage itself, whatever the object remembers of it. */
type Restoring = Pick<Turn, "sql" | "now">;

/** The tables whose rows are loaded as they stand. */
type Plain = Exclude<StockTable, "meta" | "holds">;

const COLUMNS: Record<Plain, string> = {
  levels: "store_id, on_hand, reserved, version",
  claims: "claim, order_id, state, version, ask_at, asks, created_at, line, parts",
  movements:
    "seq, at, type, store_id, quantity, on_hand_before, reserved_before, on_hand_after, reserved_after, actor, " +
    "reason, reference, order_id",
  operations: "id, fingerprint, outcome, line",
};

/**
 * Empties the object for the restore of this generation. From now to the last part it refuses all commands, and no hold of it
 * asks. It obeys each restore until that one has loaded it, and none of before: so what comes late empties no object of a
 * shop that is open again. The new storage has a later epoch than the old one, so its reports win.
 */
export function empty(turn: Restoring, productId: string, generation: number): EmptyOutcome {
  const { sql } = turn;
  const was = isInitialised(sql) ? readMeta(sql) : null;
  if (was !== null && was.generation > generation) return { kind: "superseded" };
  if (was !== null && was.generation === generation && was.loading === 0) return { kind: "superseded" };
  wipe(sql);
  initialise(turn, productId, generation);
  sql.all("UPDATE meta SET loading = 1, epoch = MAX(epoch, ? + 1)", was?.epoch ?? 0);
  return { kind: "emptied" };
}

/**
 * Loads a part of a backup into an object that was emptied for it. The first part empties it again, so that one whose answer
 * was lost may be sent again.
 * @returns what the object remembers from its last part on; null before it
 */
export function load(
  turn: Restoring,
  productId: string,
  { first, last, rows, generation }: LoadPage,
): Books | null {
  const { sql, now } = turn;
  if (first) empty(turn, productId, generation);
  for (const { table, row } of rows) {
    if (table === "meta") loadMeta(sql, row);
    else if (table === "holds") loadHold(sql, row);
    else insert(sql, table, row);
  }
  if (!last) return null;
  // What it had heard of an order may be later than where D1 goes on: the order's next step must be news again.
  sql.all("UPDATE claims SET version = 1 WHERE state = 'open' AND version > 1");
  sql.all("UPDATE meta SET loading = 0");
  const books = new Books(sql);
  reportEverything({ sql, now, books }, 0);
  books.write();
  return books;
}

/**
 * A dump may have a row more than once, and the last one counts. No row of these tables is ever deleted. Where a row has no
 * value, SQLite puts the column's default instead, if there is one: a claim of a backup with `holds` has no parts yet.
 */
function insert(sql: Sql, table: Plain, row: StockRow["row"]): void {
  const columns = COLUMNS[table].split(", ");
  sql.all(
    `INSERT OR REPLACE INTO ${table} (${COLUMNS[table]}) VALUES (${columns.map(() => "?").join(", ")})`,
    ...columns.map((column) => row[column] ?? null),
  );
}

/**
 * A hold was a row of its own before schema 5. It comes after its claim, and becomes one of its parts. Without its claim
 * it is refused, since then it is no row of `claims`.
 */
function loadHold(sql: Sql, row: StockRow["row"]): void {
  const { claim = null, store_id = null, kept = null, shipped = null } = row;
  const [stored] = sql.all<StockRow["row"]>("SELECT * FROM claims WHERE claim = ?", claim);
  const parts = JSON.parse(String(stored?.parts ?? "[]")) as Held[];
  const others = parts.filter((part) => part.store_id !== store_id);
  const part = { store_id, kept, shipped } as Held;
  insert(sql, "claims", { ...stored, claim, parts: partsJson([...others, part]) });
}

function loadMeta(sql: Sql, row: StockRow["row"]): void {
  sql.all("UPDATE meta SET acked = 0, epoch = MAX(epoch, ? + 1)", row.epoch ?? 0);
}
