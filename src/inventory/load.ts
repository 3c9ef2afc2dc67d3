import { tellAgain } from "./report.ts";
import { bear, isBorn, wipe } from "./schema.ts";
import type { Turn } from "./sql-port.ts";
import type { LoadPage, StockRow, StockTable } from "./stock-types.ts";

const COLUMNS: Record<Exclude<StockTable, "meta">, string[]> = {
  levels: ["store_id", "on_hand", "reserved", "version"],
  claims: ["claim", "order_id", "state", "version", "ask_at", "asks", "created_at"],
  holds: ["claim", "store_id", "kept", "shipped"],
  movements: [
    "seq",
    "at",
    "type",
    "store_id",
    "quantity",
    "on_hand_before",
    "reserved_before",
    "on_hand_after",
    "reserved_after",
    "actor",
    "reason",
    "reference",
    "order_id",
  ],
  operations: ["id", "fingerprint", "outcome"],
};

/**
 * Takes in a part of a backup. The first part empties the object, so that a restore that died may simply begin again;
 * until the last one nothing is armed. A restored object is born again: its reports beat those of its former life.
 */
export function load(turn: Turn, productId: string, { first, last, rows }: LoadPage): void {
  if (first) {
    wipe(turn.sql);
    bear(turn, productId);
  }
  if (!isBorn(turn.sql)) throw new Error("a restore must begin with its first part");
  for (const { table, row } of rows) {
    if (table === "meta") takeMeta(turn, row);
    else insert(turn, table, row);
  }
  if (last) tellAgain(turn, 0);
}

/** Inserts that yield: a dump may tell of a claim twice, and what it told first is of its own moment. */
function insert({ sql }: Turn, table: Exclude<StockTable, "meta">, row: StockRow["row"]): void {
  const columns = COLUMNS[table];
  sql.all(
    `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})
     ON CONFLICT DO NOTHING`,
    ...columns.map((column) => row[column] ?? null),
  );
}

function takeMeta({ sql }: Turn, row: StockRow["row"]): void {
  sql.all(
    "UPDATE meta SET version = ?, acked = 0, epoch = MAX(epoch, ? + 1)",
    row.version ?? 0,
    row.epoch ?? 0,
  );
}
