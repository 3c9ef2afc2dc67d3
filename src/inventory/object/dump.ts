import type { CommandOutcome, DumpPage, StockRow, StockTable } from "../stock-types.ts";
import { one, type Sql } from "./sql-port.ts";

const PAGE_ROWS = 1_000;

interface Cursor {
  part: "operations" | "settled" | "movements";
  after: string | number;
  /** The `seq` of the ledger's last line when the dump began. */
  until: number;
}

/**
 * A backup of one object, page by page, as the object was at its first page. The first page has all rows that can change.
 * The others have what only grows: the ledger up to the line that was its last at the first page, the operations whose
 * movements are in it, and the released claims. A claim that is released in between comes twice, and `load` keeps the
 * first.
 */
export function dump(sql: Sql, cursor: string | null): DumpPage {
  if (cursor === null) return dumpHead(sql);
  const at = JSON.parse(cursor) as Cursor;
  switch (at.part) {
    case "operations":
      return dumpOperations(sql, at);
    case "settled":
      return dumpReleased(sql, at);
    case "movements":
      return dumpMovements(sql, at);
  }
}

const rowsOf = (table: StockTable, rows: StockRow["row"][]): StockRow[] =>
  rows.map((row) => ({ table, row }));

const cursorOf = (cursor: Cursor): string => JSON.stringify(cursor);

function dumpHead(sql: Sql): DumpPage {
  const { until } = one(sql.all<{ until: number }>("SELECT COALESCE(MAX(seq), 0) AS until FROM movements"));
  const open = "SELECT claim FROM claims WHERE state = 'open'";
  return {
    rows: [
      ...rowsOf("meta", sql.all("SELECT * FROM meta")),
      ...rowsOf("claims", sql.all("SELECT * FROM claims WHERE state = 'open'")),
      ...rowsOf("holds", sql.all(`SELECT * FROM holds WHERE claim IN (${open})`)),
      ...rowsOf("levels", sql.all("SELECT * FROM levels")),
    ],
    next: cursorOf({ part: "operations", after: "", until }),
  };
}

/** An operation that was done after the first page has a later movement. A refusal has none, and may come with either. */
function dumpOperations(sql: Sql, { after, until }: Cursor): DumpPage {
  const rows = sql.all<StockRow["row"] & { id: string }>(
    "SELECT * FROM operations WHERE id > ? ORDER BY id LIMIT ?",
    after,
    PAGE_ROWS,
  );
  const last = rows.at(-1)?.id;
  const next: Cursor =
    rows.length === PAGE_ROWS && last !== undefined
      ? { part: "operations", after: last, until }
      : { part: "settled", after: "", until };
  return {
    rows: rowsOf(
      "operations",
      rows.filter(({ outcome }) => lastMovementOf(String(outcome)) <= until),
    ),
    next: cursorOf(next),
  };
}

function lastMovementOf(outcome: string): number {
  const done = JSON.parse(outcome) as CommandOutcome;
  return done.kind === "done" ? Math.max(0, ...done.movements.map(({ seq }) => seq)) : 0;
}

function dumpReleased(sql: Sql, { after, until }: Cursor): DumpPage {
  const claims = sql.all<{ claim: string }>(
    "SELECT * FROM claims WHERE state = 'settled' AND claim > ? ORDER BY claim LIMIT ?",
    after,
    PAGE_ROWS,
  );
  const names = JSON.stringify(claims.map(({ claim }) => claim));
  const holds = sql.all<StockRow["row"]>(
    "SELECT * FROM holds WHERE claim IN (SELECT value FROM json_each(?))",
    names,
  );
  const last = claims.at(-1)?.claim;
  const next: Cursor =
    claims.length === PAGE_ROWS && last !== undefined
      ? { part: "settled", after: last, until }
      : { part: "movements", after: 0, until };
  return {
    rows: [...rowsOf("claims", claims as unknown as StockRow["row"][]), ...rowsOf("holds", holds)],
    next: cursorOf(next),
  };
}

function dumpMovements(sql: Sql, { after, until }: Cursor): DumpPage {
  const rows = sql.all<StockRow["row"] & { seq: number }>(
    "SELECT * FROM movements WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
    after,
    until,
    PAGE_ROWS,
  );
  const last = rows.at(-1)?.seq;
  const more = rows.length === PAGE_ROWS && last !== undefined;
  return {
    rows: rowsOf("movements", rows),
    next: more ? cursorOf({ part: "movements", after: last, until }) : null,
  };
}
