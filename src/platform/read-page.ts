import { rowsOf } from "./d1.ts";
import {
  COUNT_LIMIT,
  type Cursor,
  decodeCursor,
  type PageQuery,
  pageQuerySchema,
  pageWindow,
} from "./pagination.ts";

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
  /** What the index answers too. */
  where: Condition[];
  /**
   * What no index answers: one request looks through `LOOK_LIMIT` rows for it at most, and then says where the next one is
   * to go on. `select` may then name columns of the first table of `from` only, a table with rowids.
   */
  sift?: Condition[];
  /** A number; null where the id alone orders the list. */
  key: string | null;
  id: string;
  direction: "ASC" | "DESC";
  /** How many match, as a value in SQL, where that is counted already; else what matches is gone through. */
  counted?: Condition;
}

export interface Page<Row> {
  rows: Row[];
  /** Rows that match, counted no further than the limit; null under a cursor, and where too many must be looked at. */
  counted: number | null;
  /** Where a request that did not fill its page gave up looking; null where it came to the end. */
  stopped: Cursor | null;
  besides: D1Result[];
}

/** Rows that one request looks through for those that a list wants, as many as are counted. */
export const LOOK_LIMIT = COUNT_LIMIT;

/** Lists sort by a number, so a cursor with another key is not one of ours. */
export const listQuerySchema = pageQuerySchema.extend({
  cursor: pageQuerySchema.shape.cursor.refine(
    (text) => text === undefined || typeof decodeCursor(text)?.key === "number",
    "is not a next_cursor of this list",
  ),
});

/**
 * One page in one D1 batch: the rows (one more than the page, see `toList`), and without a cursor how many there are,
 * counted no further than the limit. `besides` runs in the same batch, after them; and where a page is sifted, how far it
 * may look.
 */
export async function readPage<Row>(
  db: D1Database,
  source: PageSource,
  query: PageQuery,
  besides: D1PreparedStatement[] = [],
): Promise<Page<Row>> {
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  // What is looked through from the head is another thing a moment later: how far, is asked with the page.
  const lastLooked = source.sift === undefined ? [] : [lastLookedAt(db, source, cursor)];
  const results = await db.batch([
    pageOf(db, source, query, cursor),
    ...besides,
    ...lastLooked,
    ...(cursor ? [] : [countOf(db, source)]),
  ]);
  const rows = rowsOf<Row>(results, 0);
  const count = cursor ? null : (rowsOf<Counted>(results, results.length - 1)[0] ?? null);
  const sawAll = count !== null && count.looked <= LOOK_LIMIT;
  const isShort = source.sift !== undefined && rows.length <= query.page_size && !sawAll;
  // By numbers a list that goes on in vain would never end: from there on the cursor leads.
  const isPastTheEnd = !cursor && query.page > 1 && rows.length === 0;
  return {
    rows,
    counted: count && (sawAll ? count.counted : COUNT_LIMIT + 1),
    stopped: isShort && !isPastTheEnd ? (rowsOf<Cursor>(results, 1 + besides.length)[0] ?? null) : null,
    besides: results.slice(1, 1 + besides.length),
  };
}

interface Counted {
  counted: number;
  /** Rows that had to be looked at for it. */
  looked: number;
}

function pageOf(
  db: D1Database,
  source: PageSource,
  query: PageQuery,
  cursor: Cursor | null,
): D1PreparedStatement {
  const { limit, offset } = pageWindow(query);
  const { sift } = source;
  const walk = walkOf(source, cursor);
  if (sift === undefined) {
    return db
      .prepare(
        `SELECT ${source.select} FROM ${source.from} ${source.joins ?? ""} ${walk.sql} LIMIT ? OFFSET ?`,
      )
      .bind(...walk.parameters, limit, offset);
  }
  const rows = `SELECT ${rowsOfFirst(source)} FROM ${source.from} ${walk.sql} LIMIT ${LOOK_LIMIT}`;
  return db
    .prepare(
      `SELECT ${source.select} FROM (${rows}) AS ${aliasOf(source)} ${source.joins ?? ""} WHERE ${allOf(sift)}
       ORDER BY ${orderOf(source.key && "sort_key", "sort_id", source.direction)} LIMIT ? OFFSET ?`,
    )
    .bind(...walk.parameters, ...parametersOf(sift), limit, offset);
}

/** WHERE and ORDER BY of a walk along the index. */
function walkOf(source: PageSource, cursor: Cursor | null): Condition {
  const { key, id, direction } = source;
  const conditions = [ALL, ...source.where, cursor ? past(source, cursor) : ALL];
  return {
    sql: `WHERE ${allOf(conditions)} ORDER BY ${orderOf(key, id, direction)}`,
    parameters: parametersOf(conditions),
  };
}

function past({ key, id, direction }: PageSource, cursor: Cursor): Condition {
  const beyond = direction === "DESC" ? "<" : ">";
  return key === null
    ? { sql: `${id} ${beyond} ?`, parameters: [cursor.id] }
    : { sql: `(${key}, ${id}) ${beyond} (?, ?)`, parameters: [cursor.key, cursor.id] };
}

const countOf = (
  db: D1Database,
  { from, where, sift, counted, ...source }: PageSource,
): D1PreparedStatement => {
  if (counted) {
    return db.prepare(`SELECT ${counted.sql} AS counted, 0 AS looked`).bind(...counted.parameters);
  }
  const conditions = [ALL, ...where];
  if (sift === undefined) {
    return db
      .prepare(
        `SELECT count(*) AS counted, 0 AS looked FROM (SELECT 1 FROM ${from} WHERE ${allOf(conditions)} LIMIT ${COUNT_LIMIT + 1})`,
      )
      .bind(...parametersOf(conditions));
  }
  const alias = aliasOf({ from });
  const rows = `SELECT ${rowsOfFirst({ from, ...source })} FROM ${from} WHERE ${allOf(conditions)} LIMIT ${LOOK_LIMIT + 1}`;
  return db
    .prepare(
      `SELECT count(*) FILTER (WHERE ${allOf(sift)}) AS counted, count(*) AS looked FROM (${rows}) AS ${alias}`,
    )
    .bind(...parametersOf(sift), ...parametersOf(conditions));
};

/** The last row that a sifted page may look at; none when there are not so many. Cursors name it by a text. */
function lastLookedAt(db: D1Database, source: PageSource, cursor: Cursor | null): D1PreparedStatement {
  const walk = walkOf(source, cursor);
  return db
    .prepare(
      `SELECT ${source.key ?? 0} AS key, CAST(${source.id} AS TEXT) AS id FROM ${source.from} ${walk.sql}
       LIMIT 1 OFFSET ${LOOK_LIMIT - 1}`,
    )
    .bind(...walk.parameters);
}

const rowsOfFirst = (source: Pick<PageSource, "from" | "key" | "id">): string => {
  const alias = aliasOf(source);
  return `${alias}.rowid, ${alias}.*, ${source.key ?? 0} AS sort_key, ${source.id} AS sort_id`;
};

/** What the list's table is called, as in `orders AS o`: of several the last, which the others lead to. */
function aliasOf({ from }: Pick<PageSource, "from">): string {
  const alias = [...from.matchAll(/ AS (\w+)/g)].at(-1)?.[1];
  if (alias === undefined) throw new Error(`what is sifted needs an alias: ${from}`);
  return alias;
}

/** SQLite goes on along the order of a subquery where it is asked for in the same words, and stops at the limit. */
const orderOf = (key: string | null, id: string, direction: "ASC" | "DESC"): string =>
  `${key === null ? "" : `${key} ${direction}, `}${id} ${direction}`;

const ALL: Condition = { sql: "1", parameters: [] };
const allOf = (conditions: Condition[]): string => conditions.map(({ sql }) => sql).join(" AND ");
const parametersOf = (conditions: Condition[]): unknown[] =>
  conditions.flatMap(({ parameters }) => parameters);
