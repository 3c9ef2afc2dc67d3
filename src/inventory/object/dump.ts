import type { DumpCursor, DumpOutcome, DumpPage, StockRow, StockTable } from "../stock-types.ts";
import { type Meta, readMeta } from "./schema.ts";
import { one, type Sql, type SqlValue } from "./sql-port.ts";

/** A page goes on through the parts until it has so many rows: most objects are one page. */
const PAGE_ROWS = 1_000;

type Row = StockRow["row"];

/**
 * A backup of one object, page by page, as the object is at the last page. First come the operations, the claims, and the
 * ledger up to the line that was its last when the dump began. Then comes what changed meanwhile: the later
 * lines, with the operations and claims that note one of them, or the one before them, as their own last line. When there
 * are no more lines, the levels come in the same page, so everything is of one moment, except when a claim asks next. A row
 * may come more than once, and the last one counts.
 *
 * A restore would be a leap between two pages: so an object that is being restored is not dumped, and a dump that began
 * before a restore does not go on after it.
 */
export function dump(sql: Sql, cursor: string | null, pageRows = PAGE_ROWS): DumpOutcome {
  const meta = readMeta(sql);
  const begin = cursor === null ? beginOf(sql, meta) : (JSON.parse(cursor) as DumpCursor);
  if (meta.loading === 1 || begin.generation !== meta.generation) return { kind: "restored" };
  const rows: StockRow[] = [];
  let at: DumpCursor | null = begin;
  do {
    const part = dumpPart(sql, at, pageRows);
    rows.push(...part.rows);
    at = part.next;
  } while (at !== null && rows.length < pageRows);
  return { kind: "page", rows, next: at === null ? null : JSON.stringify(at) };
}

function beginOf(sql: Sql, { generation }: Meta): DumpCursor {
  const { began } = one(sql.all<{ began: number }>("SELECT COALESCE(MAX(seq), 0) AS began FROM movements"));
  return { part: "operations", after: "", began, generation };
}

interface Part extends Pick<DumpPage, "rows"> {
  next: DumpCursor | null;
}

function dumpPart(sql: Sql, at: DumpCursor, limit: number): Part {
  switch (at.part) {
    case "operations": {
      const rows = sql.all<Row>("SELECT * FROM operations WHERE id > ? ORDER BY id LIMIT ?", at.after, limit);
      const next = after(rows, "id", limit) ?? ({ part: "claims", after: "" } as const);
      return { rows: rowsOf("operations", rows), next: { ...at, ...next } };
    }
    case "claims": {
      const rows = sql.all<Row>(
        "SELECT * FROM claims WHERE claim > ? ORDER BY claim LIMIT ?",
        at.after,
        limit,
      );
      const next = after(rows, "claim", limit) ?? ({ part: "movements", after: 0 } as const);
      return { rows: rowsOf("claims", rows), next: { ...at, ...next } };
    }
    case "movements": {
      const rows = linesBetween(sql, at.after, at.began, limit);
      const next = after(rows, "seq", limit) ?? ({ part: "changes", after: at.began } as const);
      return { rows: rowsOf("movements", rows), next: { ...at, ...next } };
    }
    case "changes":
      return dumpChanges(sql, at, limit);
  }
}

/** Where a full page goes on; null after one that is not full. */
function after(rows: Row[], key: string, limit: number): Pick<DumpCursor, "after"> | null {
  const last = rows.length === limit ? rows.at(-1)?.[key] : null;
  return last == null ? null : { after: last };
}

function dumpChanges(sql: Sql, at: DumpCursor, limit: number): Part {
  const lines = linesBetween(sql, at.after, Number.MAX_SAFE_INTEGER, limit);
  const more = after(lines, "seq", limit);
  const changed = (table: "operations" | "claims") =>
    sql.all<Row>(
      // What changes without a line, such as a refusal, notes the line before it. No index finds them, so this reads all.
      `SELECT * FROM ${table} WHERE line >= ? AND line <= ?`,
      at.after,
      more?.after ?? Number.MAX_SAFE_INTEGER,
    );
  const rows = [
    ...rowsOf("movements", lines),
    ...rowsOf("operations", changed("operations")),
    ...rowsOf("claims", changed("claims")),
  ];
  if (more) return { rows, next: { ...at, ...more } };
  const meta = rowsOf("meta", sql.all("SELECT * FROM meta"));
  return { rows: [...rows, ...meta, ...rowsOf("levels", sql.all("SELECT * FROM levels"))], next: null };
}

const rowsOf = (table: StockTable, rows: Row[]): StockRow[] => rows.map((row) => ({ table, row }));

const linesBetween = (sql: Sql, after: SqlValue, until: number, limit: number): Row[] =>
  sql.all("SELECT * FROM movements WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", after, until, limit);
