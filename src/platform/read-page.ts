import {
  COUNT_LIMIT,
  type Cursor,
  decodeCursor,
  type PageQuery,
  pageQuerySchema,
  pageWindow,
} from "./pagination.ts";
import { allOf, batch, constant, nothing, Sql, sql, trusted, type Value } from "./sql.ts";

/** How conditions were written before `Sql`, a `?` for each parameter. To go with the last list that writes them so. */
export interface Condition {
  sql: string;
  parameters: unknown[];
}

/** Where a list comes from, and the (sort key, id) that orders it; an index must stand behind both. */
export interface PageSource {
  select: Sql | string;
  /** The table that is filtered and sorted, and so counted; joins go into `joins`. */
  from: string;
  joins?: Sql | string;
  /** What the index answers too. */
  where: (Sql | Condition)[];
  /**
   * What no index answers: one request looks through `LOOK_LIMIT` rows for it at most, and then says where the next one is
   * to go on. `select` may then name columns of the first table of `from` only, a table with rowids.
   */
  sift?: (Sql | Condition)[];
  /** A number; null where the id alone orders the list. */
  key: string | null;
  id: string;
  direction: "ASC" | "DESC";
  /** How many match, as a value in SQL, where that is counted already; else what matches is gone through. */
  counted?: Sql;
}

export interface Page<Row, Beside = never> {
  rows: Row[];
  /** Rows that match, counted no further than the limit; null under a cursor, and where too many must be looked at. */
  counted: number | null;
  /** Where a request that did not fill its page gave up looking; null where it came to the end. */
  stopped: Cursor | null;
  besides: Beside[];
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
 * counted no further than the limit. `beside` runs in the same batch, after them; and where a page is sifted, how far it
 * may look.
 */
export async function readPage<Row, Beside = never>(
  db: D1Database,
  source: PageSource,
  query: PageQuery,
  beside?: Sql<Beside>,
): Promise<Page<Row, Beside>> {
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const found = await batch(db, {
    rows: pageOf<Row>(source, query, cursor),
    besides: beside,
    // What is looked through from the head is another thing a moment later: how far, is asked with the page.
    last: source.sift && lastLookedAt(source, cursor),
    counts: cursor ? undefined : countOf(source),
  });
  const { rows, besides } = found;
  const [last = null] = found.last;
  const [count = null] = found.counts;
  const sawAll = count !== null && count.looked <= LOOK_LIMIT;
  const isShort = source.sift !== undefined && rows.length <= query.page_size && !sawAll;
  // By numbers a list that goes on in vain would never end: from there on the cursor leads.
  const isPastTheEnd = !cursor && query.page > 1 && rows.length === 0;
  return {
    rows,
    counted: count && (sawAll ? count.counted : COUNT_LIMIT + 1),
    stopped: isShort && !isPastTheEnd ? last : null,
    besides,
  };
}

interface Counted {
  counted: number;
  /** Rows that had to be looked at for it. */
  looked: number;
}

function pageOf<Row>(source: PageSource, query: PageQuery, cursor: Cursor | null): Sql<Row> {
  const { limit, offset } = pageWindow(query);
  const { sift } = source;
  const [select, joins] = [pieceOf(source.select), pieceOf(source.joins ?? nothing)];
  const [from, walk] = [trusted(source.from), walkOf(source, cursor)];
  if (sift === undefined) {
    return sql`SELECT ${select} FROM ${from} ${joins} ${walk} LIMIT ${limit} OFFSET ${offset}`;
  }
  const rows = sql`SELECT ${rowsOfFirst(source)} FROM ${from} ${walk} LIMIT ${constant(LOOK_LIMIT)}`;
  const sorting = orderOf(source.key && "sort_key", "sort_id", source.direction);
  return sql`SELECT ${select} FROM (${rows}) AS ${trusted(aliasOf(source))} ${joins} WHERE ${allOf(sift.map(pieceOf))}
    ORDER BY ${sorting} LIMIT ${limit} OFFSET ${offset}`;
}

/** WHERE and ORDER BY of a walk along the index. */
function walkOf(source: PageSource, cursor: Cursor | null): Sql {
  const { key, id, direction } = source;
  const conditions = [...source.where.map(pieceOf), ...(cursor ? [past(source, cursor)] : [])];
  return sql`WHERE ${allOf(conditions)} ORDER BY ${orderOf(key, id, direction)}`;
}

function past({ key, id, direction }: PageSource, cursor: Cursor): Sql {
  const beyond = trusted(direction === "DESC" ? "<" : ">");
  return key === null
    ? sql`${trusted(id)} ${beyond} ${cursor.id}`
    : sql`(${trusted(key)}, ${trusted(id)}) ${beyond} (${cursor.key}, ${cursor.id})`;
}

function countOf({ from, where, sift, counted, ...source }: PageSource): Sql<Counted> {
  if (counted) return sql`SELECT ${counted} AS counted, 0 AS looked`;
  const conditions = allOf(where.map(pieceOf));
  if (sift === undefined) {
    return sql`SELECT count(*) AS counted, 0 AS looked
      FROM (SELECT 1 FROM ${trusted(from)} WHERE ${conditions} LIMIT ${constant(COUNT_LIMIT + 1)})`;
  }
  const rows = sql`SELECT ${rowsOfFirst({ from, ...source })} FROM ${trusted(from)}
    WHERE ${conditions} LIMIT ${constant(LOOK_LIMIT + 1)}`;
  return sql`SELECT count(*) FILTER (WHERE ${allOf(sift.map(pieceOf))}) AS counted, count(*) AS looked
    FROM (${rows}) AS ${trusted(aliasOf({ from }))}`;
}

/** The last row that a sifted page may look at; none when there are not so many. Cursors name it by a text. */
function lastLookedAt(source: PageSource, cursor: Cursor | null): Sql<Cursor> {
  const place = trusted(`${source.key ?? 0} AS key, CAST(${source.id} AS TEXT) AS id`);
  return sql`SELECT ${place} FROM ${trusted(source.from)} ${walkOf(source, cursor)}
    LIMIT 1 OFFSET ${constant(LOOK_LIMIT - 1)}`;
}

function rowsOfFirst(source: Pick<PageSource, "from" | "key" | "id">): Sql {
  const alias = aliasOf(source);
  return trusted(`${alias}.rowid, ${alias}.*, ${source.key ?? 0} AS sort_key, ${source.id} AS sort_id`);
}

/** What the list's table is called, as in `orders AS o`: of several the last, which the others lead to. */
function aliasOf({ from }: Pick<PageSource, "from">): string {
  const alias = [...from.matchAll(/ AS (\w+)/g)].at(-1)?.[1];
  if (alias === undefined) throw new Error(`what is sifted needs an alias: ${from}`);
  return alias;
}

/** SQLite goes on along the order of a subquery where it is asked for in the same words, and stops at the limit. */
const orderOf = (key: string | null, id: string, direction: "ASC" | "DESC"): Sql =>
  trusted(`${key === null ? "" : `${key} ${direction}, `}${id} ${direction}`);

function pieceOf(written: Sql | Condition | string): Sql {
  if (written instanceof Sql) return written;
  if (typeof written === "string") return trusted(written);
  return new Sql(written.sql.split("?"), written.parameters as Value[]);
}
