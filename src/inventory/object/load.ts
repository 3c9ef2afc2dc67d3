import type { LoadPage, StockRow, StockTable } from "../stock-types.ts";
import { reportEverything } from "./report.ts";
import { initialise, wipe } from "./schema.ts";
import type { Turn } from "./sql-port.ts";

const COLUMNS: Record<Exclude<StockTable, "meta">, string> = {
  levels: "store_id, on_hand, reserved, version",
  claims: "claim, order_id, state, version, ask_at, asks, created_at",
  holds: "claim, store_id, kept, shipped",
  movements:
    "seq, at, type, store_id, quantity, on_hand_before, reserved_before, on_hand_after, reserved_after, actor, " +
    "reason, reference, order_id",
  operations: "id, fingerprint, outcome",
};

/**
 * Loads a part of a backup. The first part empties the object, so that a restore that died can simply begin again. It also
 * initialises the storage again, so that the restored object's reports win over those from before. Until the last part is
 * loaded the object refuses all other commands.
 */
export function load(turn: Turn, productId: string, { first, last, rows, generation }: LoadPage): void {
  if (first) {
    wipe(turn.sql);
    initialise(turn, productId, generation);
    turn.sql.all("UPDATE meta SET loading = 1");
  }
  for (const { table, row } of rows) {
    if (table === "meta") loadMeta(turn, row);
    else insert(turn, table, row);
  }
  if (!last) return;
  turn.sql.all("UPDATE meta SET loading = 0");
  reportEverything(turn, 0);
}

/** A dump may have a row more than once, and the last one counts. No row of these tables is ever deleted. */
function insert({ sql }: Turn, table: Exclude<StockTable, "meta">, row: StockRow["row"]): void {
  const columns = COLUMNS[table].split(", ");
  sql.all(
    `INSERT OR REPLACE INTO ${table} (${COLUMNS[table]}) VALUES (${columns.map(() => "?").join(", ")})`,
    ...columns.map((column) => row[column] ?? null),
  );
}

function loadMeta({ sql }: Turn, row: StockRow["row"]): void {
  sql.all(
    "UPDATE meta SET version = ?, acked = 0, epoch = MAX(epoch, ? + 1)",
    row.version ?? 0,
    row.epoch ?? 0,
  );
}
