import { rowsOf } from "./d1.ts";
import { COUNT_LIMIT, decodeCursor, type PageQuery, pageQuerySchema, pageWindow } from "./pagination.ts";

export interface Condition {
  sql: string;
  parameters: unknown[];
}

/** Where a list comes from, and the (sort key, id) that orders it; an index must stand behind both. */
export interface PageSource {
  select: string;
  /** The table that is filtered and sorted, and so counted; joins go into `joins`. */
  from: string;
  joins?: string;
  where: Condition[];
  key: string;
  id: string;
  direction: "ASC" | "DESC";
  /** How many match, as a value in SQL, where that is counted already; else what matches is gone through. */
  counted?: Condition;
}

/** Lists sort by a number, so a cursor with another key is not one of ours. */
export const listQuerySchema = pageQuerySchema.extend({
  cursor: pageQuerySchema.shape.cursor.refine(
    (text) => text === undefined || typeof decodeCursor(text)?.key === "number",
    "is not a next_cursor of this list",
  ),
});

/**
 * One page in one D1 batch: the rows (one more than the page, see `toList`), and without a cursor how many there are,
 * counted no further than the limit. `besides` runs in the same batch, after them.
 */
export async function readPage<Row>(
  db: D1Database,
  source: PageSource,
  query: PageQuery,
  besides: D1PreparedStatement[] = [],
): Promise<{ rows: Row[]; counted: number | null; besides: D1Result[] }> {
  const { limit, offset } = pageWindow(query);
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const past: Condition = cursor
    ? {
        sql: `(${source.key}, ${source.id}) ${source.direction === "DESC" ? "<" : ">"} (?, ?)`,
        parameters: [cursor.key, cursor.id],
      }
    : { sql: "1", parameters: [] };
  const matching = [{ sql: "1", parameters: [] }, ...source.where];
  const conditions = [...matching, past];

  const page = db
    .prepare(
      `SELECT ${source.select} FROM ${source.from} ${source.joins ?? ""} WHERE ${allOf(conditions)}
       ORDER BY ${source.key} ${source.direction}, ${source.id} ${source.direction} LIMIT ? OFFSET ?`,
    )
    .bind(...parametersOf(conditions), limit, offset);
  const counted: Condition = source.counted ?? {
    sql: `(SELECT count(*) FROM (SELECT 1 FROM ${source.from} WHERE ${allOf(matching)} LIMIT ${COUNT_LIMIT + 1}))`,
    parameters: parametersOf(matching),
  };
  const count = db.prepare(`SELECT ${counted.sql} AS counted`).bind(...counted.parameters);

  const results = await db.batch(cursor ? [page, ...besides] : [page, ...besides, count]);
  return {
    rows: rowsOf<Row>(results, 0),
    counted: cursor ? null : (rowsOf<{ counted: number }>(results, results.length - 1)[0]?.counted ?? 0),
    besides: results.slice(1, 1 + besides.length),
  };
}

const allOf = (conditions: Condition[]): string => conditions.map(({ sql }) => sql).join(" AND ");
const parametersOf = (conditions: Condition[]): unknown[] =>
  conditions.flatMap(({ parameters }) => parameters);
