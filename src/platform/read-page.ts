import {
  COUNT_LIMIT_ROWS,
  type Cursor,
  decodeCursor,
  type PageQuery,
  pageQuerySchema,
  pageWindow,
} from "./pagination.ts";
import { allOf, batch, constant, nothing, type Sql, sql, trusted } from "./sql.ts";

/** The query of a list. Its rows are ordered by (sort key, id), for which there must be an index. */
export interface PageSource {
  select: Sql | string;
  /** What is filtered, sorted and counted; tables that only add columns go into `joins`. */
  from: string;
  joins?: Sql;
  /** The conditions that the index answers too. */
  where: Sql[];
  /**
   * The conditions that no index answers. One request scans `SCAN_LIMIT_ROWS` rows for them at most, and its cursor tells
   * the next request where to go on. `select` may then only name columns of the last table of `from`.
   */
  filter?: Sql[];
  /** An expression for a number; null where the id alone orders the list. */
  key: string | null;
  id: string;
  direction: "ASC" | "DESC";
  /** An expression for how many rows match, where counters know it; otherwise the matching rows are counted. */
  counted?: Sql;
}

export interface Page<Row, Extra = never> {
  rows: Row[];
  /** Rows that match, counted up to the limit; null under a cursor. */
  counted: number | null;
  /** The row at which a request that did not fill its page stopped scanning; null where it came to the end. */
  stopped: Cursor | null;
  /** The rows of the extra statement. */
  extra: Extra[];
}

/** How many rows one request scans at most for those that match its filter. */
export const SCAN_LIMIT_ROWS = COUNT_LIMIT_ROWS;

/** Lists are sorted by numbers, so a cursor with another key is not ours. */
export const listQuerySchema = pageQuerySchema.extend({
  cursor: pageQuerySchema.shape.cursor.refine(
    (text) => text === undefined || typeof decodeCursor(text)?.key === "number",
    "is not a next_cursor of this list",
  ),
});

/**
 * Reads a page in one batch: the rows (one more than the page, see `toList`) and, without a cursor, how many there are,
 * counted up to the limit.
 * @param extra a statement that runs in the same batch
 */
export async function readPage<Row, Extra = never>(
  db: D1Database,
  source: PageSource,
  query: PageQuery,
  extra?: Sql<Extra>,
): Promise<Page<Row, Extra>> {
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const found = await batch(db, {
    rows: pageOf<Row>(source, query, cursor),
    extra,
    // In the same batch, because rows that come in between would change where the scan ends.
    last: source.filter && lastScanned(source, cursor),
    counts: cursor ? undefined : countOf(source),
  });
  const { rows } = found;
  const [last = null] = found.last;
  const [count = null] = found.counts;
  const sawAll = count !== null && count.scanned <= SCAN_LIMIT_ROWS;
  const isShort = source.filter !== undefined && rows.length <= query.page_size && !sawAll;
  // An empty page by number must have no next page: a client that counts pages would go on for ever.
  const isPastTheEnd = !cursor && query.page > 1 && rows.length === 0;
  return {
    rows,
    counted: count && (sawAll ? count.counted : COUNT_LIMIT_ROWS + 1),
    stopped: isShort && !isPastTheEnd ? last : null,
    extra: found.extra,
  };
}

interface Counted {
  counted: number;
  /** Rows that were scanned for it; 0 where there is no filter. */
  scanned: number;
}

function pageOf<Row>(source: PageSource, query: PageQuery, cursor: Cursor | null): Sql<Row> {
  const { limit, offset } = pageWindow(query);
  const { filter } = source;
  const select = typeof source.select === "string" ? trusted(source.select) : source.select;
  const [from, joins, scan] = [trusted(source.from), source.joins ?? nothing, indexScan(source, cursor)];
  if (filter === undefined) {
    return sql`SELECT ${select} FROM ${from} ${joins} ${scan} LIMIT ${limit} OFFSET ${offset}`;
  }
  const rows = sql`SELECT ${scannedColumns(source)} FROM ${from} ${scan} LIMIT ${constant(SCAN_LIMIT_ROWS)}`;
  const sorting = orderOf(source.key && "sort_key", "sort_id", source.direction);
  return sql`SELECT ${select} FROM (${rows}) AS ${trusted(aliasOf(source))} ${joins} WHERE ${allOf(filter)}
    ORDER BY ${sorting} LIMIT ${limit} OFFSET ${offset}`;
}

/** WHERE and ORDER BY of a scan along the index. */
function indexScan(source: PageSource, cursor: Cursor | null): Sql {
  const { key, id, direction } = source;
  const conditions = [...source.where, ...(cursor ? [past(source, cursor)] : [])];
  return sql`WHERE ${allOf(conditions)} ORDER BY ${orderOf(key, id, direction)}`;
}

function past({ key, id, direction }: PageSource, cursor: Cursor): Sql {
  const beyond = trusted(direction === "DESC" ? "<" : ">");
  return key === null
    ? sql`${trusted(id)} ${beyond} ${cursor.id}`
    : sql`(${trusted(key)}, ${trusted(id)}) ${beyond} (${cursor.key}, ${cursor.id})`;
}

function countOf({ from, where, filter, counted, ...source }: PageSource): Sql<Counted> {
  if (counted) return sql`SELECT ${counted} AS counted, 0 AS scanned`;
  const conditions = allOf(where);
  if (filter === undefined) {
    return sql`SELECT count(*) AS counted, 0 AS scanned
      FROM (SELECT 1 FROM ${trusted(from)} WHERE ${conditions} LIMIT ${constant(COUNT_LIMIT_ROWS + 1)})`;
  }
  const rows = sql`SELECT ${scannedColumns({ from, ...source })} FROM ${trusted(from)}
    WHERE ${conditions} LIMIT ${constant(SCAN_LIMIT_ROWS + 1)}`;
  return sql`SELECT count(*) FILTER (WHERE ${allOf(filter)}) AS counted, count(*) AS scanned
    FROM (${rows}) AS ${trusted(aliasOf({ from }))}`;
}

/** The last row that a request with a filter may scan; no row when there are fewer. A cursor's id is text. */
function lastScanned(source: PageSource, cursor: Cursor | null): Sql<Cursor> {
  const place = trusted(`${source.key ?? 0} AS key, CAST(${source.id} AS TEXT) AS id`);
  return sql`SELECT ${place} FROM ${trusted(source.from)} ${indexScan(source, cursor)}
    LIMIT 1 OFFSET ${constant(SCAN_LIMIT_ROWS - 1)}`;
}

function scannedColumns(source: Pick<PageSource, "from" | "key" | "id">): Sql {
  const alias = aliasOf(source);
  return trusted(`${alias}.*, ${source.key ?? 0} AS sort_key, ${source.id} AS sort_id`);
}

/** The alias of the list's table, `o` in `orders AS o`. Of several tables it is the last, to which the others lead. */
function aliasOf({ from }: Pick<PageSource, "from">): string {
  const alias = [...from.matchAll(/ AS (\w+)/g)].at(-1)?.[1];
  if (alias === undefined) throw new Error(`a list with a filter needs an alias: ${from}`);
  return alias;
}

/** ORDER BY of a page. Where a subquery and the query around it have the same order, SQLite sorts once and stops at the limit. */
const orderOf = (key: string | null, id: string, direction: "ASC" | "DESC"): Sql =>
  trusted(`${key === null ? "" : `${key} ${direction}, `}${id} ${direction}`);
