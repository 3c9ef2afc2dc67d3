import {
  COUNT_LIMIT_ROWS,
  type Cursor,
  decodeCursor,
  type PageQuery,
  pageWindow,
} from "../../platform/pagination.ts";
import { allOf, constant, type Sql, sql, trusted } from "../../platform/sql.ts";
import {
  type DocumentQuery,
  documentConditions,
  documentsBy,
  inThatStore,
  orderOf,
  type Plan,
  type Sort,
} from "./documents.ts";
import { countOf, matchingDocuments, textQuery } from "./matching.ts";
import type { Word } from "./terms.ts";

/** A search that is sorted by a column of the documents. */
type SortedSearch = DocumentQuery & PageQuery & { sort: Exclude<Sort, "relevance"> };

/**
 * Scans the index of the order and stops when the page is full. If that index has all conditions, it reads no more than
 * the page, otherwise also the rows in between that do not match.
 * @param limit instead of the page's
 */
export function planByIndexScan(search: SortedSearch & { words: null }, limit?: Sql): Plan {
  const { name, column, direction } = orderOf(search.sort);
  const window = pageWindow(search);
  const conditions = [...documentConditions(search), ...inThatStore(search), ...pastCursor(search)];
  return {
    ctes: [],
    page: sql`SELECT documents.product_id, ${column} AS key FROM ${documentsBy(search, name)}
      WHERE ${allOf(conditions)}
      ORDER BY ${column} ${direction}, documents.product_id ${direction}
      LIMIT ${limit ?? window.limit} OFFSET ${window.offset}`,
    order: sql`page.key ${direction}, page.product_id ${direction}`,
    counted: countOf(search),
  };
}

/** The condition that a row comes after the page before. */
function pastCursor(search: SortedSearch): Sql[] {
  const cursor: Cursor | null = search.cursor === undefined ? null : decodeCursor(search.cursor);
  if (!cursor) return [];
  const { column, isDescending } = orderOf(search.sort);
  const beyond = trusted(isDescending ? "<" : ">");
  return [sql`(${column}, documents.product_id) ${beyond} (${cursor.key}, ${cursor.id})`];
}

/** Up to so many matching rows are sorted; if there are more, the index of the order is scanned. */
const SORT_LIMIT_ROWS = 2_000;

/**
 * For a search of which no index has both the conditions and the order. If few rows match, all are read and sorted. If many
 * do, a scan of the index of the order soon meets enough of them to fill the page.
 */
export function planBySortOrScan(search: SortedSearch & { words: null }): Plan {
  const { column, direction } = orderOf(search.sort);
  const { limit, offset } = pageWindow(search);
  const { from, where } = matchingDocuments(search);
  const conditions = allOf([...where, ...pastCursor(search)]);
  // The branch that is not taken gets a limit of 0. A condition in its place would be evaluated for each row.
  const sorted = sql`SELECT product_id, key FROM matching ORDER BY key ${direction}, product_id ${direction}
    LIMIT (SELECT yes * ${limit} FROM few) OFFSET ${offset}`;
  const scanned = planByIndexScan(search, sql`(SELECT (NOT yes) * ${limit} FROM few)`);
  return {
    ctes: [
      sql`matching AS MATERIALIZED (
        SELECT documents.product_id, ${column} AS key FROM ${from} WHERE ${conditions} LIMIT ${constant(SORT_LIMIT_ROWS + 1)})`,
      sql`few (yes) AS MATERIALIZED (SELECT count(*) <= ${constant(SORT_LIMIT_ROWS)} FROM matching)`,
    ],
    page: sql`SELECT * FROM (${sorted}) UNION ALL SELECT * FROM (${scanned.page})`,
    order: scanned.order,
    counted: sql`(SELECT iif(yes, (SELECT count(*) FROM matching), ${countOf(search)}) FROM few)`,
  };
}

/**
 * For a search with words that is sorted by a column. It reads the matches from the text index, up to the limit of lists,
 * and sorts them; if there are more, it reads the text index again and keeps the first rows of the order. To scan the
 * column's index and check each document for the words would be slow: FTS5 checks one document by searching on to the next
 * that matches, however far that is.
 */
export function planByTextMatch(search: SortedSearch & { words: Word[] }): Plan {
  const { column, direction } = orderOf(search.sort);
  const { from, where } = matchingDocuments(search);
  const all = sql`SELECT documents.product_id, ${column} AS key FROM ${from}
    WHERE ${allOf([...where, ...pastCursor(search)])}`;
  const { limit, offset } = pageWindow(search);
  // The branch that is not taken gets a limit of 0.
  const pageOf = (source: Sql, taken: "yes" | "NOT yes") =>
    sql`SELECT * FROM (${source} ORDER BY key ${direction}, product_id ${direction}
      LIMIT (SELECT (${trusted(taken)}) * ${limit} FROM few) OFFSET ${offset})`;
  const most = constant(COUNT_LIMIT_ROWS);
  return {
    ctes: [
      textQuery(search.words, search),
      sql`matching AS MATERIALIZED (${all} LIMIT ${constant(COUNT_LIMIT_ROWS + 1)})`,
      sql`few (yes, number) AS MATERIALIZED (SELECT count(*) <= ${most}, count(*) FROM matching)`,
    ],
    page: sql`${pageOf(sql`SELECT product_id, key FROM matching`, "yes")} UNION ALL ${pageOf(all, "NOT yes")}`,
    order: sql`page.key ${direction}, page.product_id ${direction}`,
    counted: sql`(SELECT number FROM few)`,
  };
}
