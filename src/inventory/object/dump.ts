import type { DumpCursor, DumpPage, StockRow, StockTable } from "../stock-types.ts";
import { one, type Sql, type SqlValue } from "./sql-port.ts";

/** A page goes on through the parts until it has so many rows: most objects are one page. */
const PAGE_ROWS = 1_000;

type Row = StockRow["row"];

/**
 * A backup of one object, page by page, as the object is at the last page. First come the operations, the claims with their
 * holds, and the ledger up to the line that was its last when the dump began. Then comes what changed meanwhile: each change
 * of a claim or level is a line in the ledger, so the later lines are read together with all rows that they are about, as
 * these are now. When there are no more lines, the levels come in the same page, so everything is of one moment. A row may
 * come more than once, and the last one counts.
 */
export function dump(sql: Sql, cursor: string | null, pageRows = PAGE_ROWS): DumpPage {
  const began = () => one(sql.all<{ seq: number }>("SELECT COALESCE(MAX(seq), 0) AS seq FROM movements")).seq;
  const page: DumpPage = {
    rows: [],
    next: cursor ?? JSON.stringify({ part: "operations", after: "", began: began() }),
  };
  do {
    const part = dumpPart(sql, JSON.parse(page.next ?? "") as DumpCursor, pageRows);
    page.rows.push(...part.rows);
    page.next = part.next;
  } while (page.next !== null && page.rows.length < pageRows);
  return page;
}

function dumpPart(sql: Sql, at: DumpCursor, limit: number): DumpPage {
  switch (at.part) {
    case "operations": {
      const rows = sql.all<Row>("SELECT * FROM operations WHERE id > ? ORDER BY id LIMIT ?", at.after, limit);
      const next = after(rows, "id", limit) ?? { part: "claims", after: "" };
      return { rows: rowsOf("operations", rows), next: JSON.stringify({ ...at, ...next }) };
    }
    case "claims": {
      const rows = sql.all<Row>(
        "SELECT * FROM claims WHERE claim > ? ORDER BY claim LIMIT ?",
        at.after,
        limit,
      );
      const next = after(rows, "claim", limit) ?? { part: "movements", after: 0 };
      return { rows: withHolds(sql, rows), next: JSON.stringify({ ...at, ...next }) };
    }
    case "movements": {
      const rows = linesBetween(sql, at.after, at.began, limit);
      const next = after(rows, "seq", limit) ?? { part: "changes", after: at.began };
      return { rows: rowsOf("movements", rows), next: JSON.stringify({ ...at, ...next }) };
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

function dumpChanges(sql: Sql, at: DumpCursor, limit: number): DumpPage {
  const lines = linesBetween(sql, at.after, Number.MAX_SAFE_INTEGER, limit);
  const orders = JSON.stringify(lines.map(({ order_id }) => order_id));
  const rows = [
    ...rowsOf("movements", lines),
    ...rowsOf("operations", lines.length === 0 ? [] : operationsAfter(sql, at.after)),
    ...withHolds(
      sql,
      sql.all<Row>("SELECT * FROM claims WHERE order_id IN (SELECT value FROM json_each(?))", orders),
    ),
  ];
  const more = after(lines, "seq", limit);
  if (more) return { rows, next: JSON.stringify({ ...at, ...more }) };
  const meta = rowsOf("meta", sql.all("SELECT * FROM meta"));
  return { rows: [...rows, ...meta, ...rowsOf("levels", sql.all("SELECT * FROM levels"))], next: null };
}

const rowsOf = (table: StockTable, rows: Row[]): StockRow[] => rows.map((row) => ({ table, row }));

const linesBetween = (sql: Sql, after: SqlValue, until: number, limit: number): Row[] =>
  sql.all("SELECT * FROM movements WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", after, until, limit);

/** The operations that wrote a line after that one. No index finds them, so this reads all; the work of one page as a rule. */
const operationsAfter = (sql: Sql, seq: SqlValue): Row[] =>
  sql.all(
    `SELECT * FROM operations WHERE outcome ->> 'kind' = 'done'
       AND EXISTS (SELECT 1 FROM json_each(outcome, '$.movements') AS line WHERE line.value ->> 'seq' > ?)`,
    seq,
  );

/** Claims, each before its holds. */
function withHolds(sql: Sql, claims: Row[]): StockRow[] {
  const names = JSON.stringify(claims.map(({ claim }) => claim));
  const holds = sql.all<Row>("SELECT * FROM holds WHERE claim IN (SELECT value FROM json_each(?))", names);
  return [...rowsOf("claims", claims), ...rowsOf("holds", holds)];
}
