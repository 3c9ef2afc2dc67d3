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
  type Found,
  inThatStore,
  orderOf,
  type Sort,
} from "./documents.ts";
import { countOf, matching, wanted } from "./matching.ts";

/** A search by a column of the documents. */
type SortedSearch = DocumentQuery & PageQuery & { sort: Exclude<Sort, "relevance"> };

/**
 * Goes along the index of the order and stops when the page is full. Reads no more than the page where all that is asked
 * for is in that index; else also what it passes by.
 * @param limit the page's unless given
 */
export function walk(search: SortedSearch & { words: null }, limit?: Sql): Found {
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

/** Past the place where the page before ended. */
function pastCursor(search: SortedSearch): Sql[] {
  const cursor: Cursor | null = search.cursor === undefined ? null : decodeCursor(search.cursor);
  if (!cursor) return [];
  const { column, isDescending } = orderOf(search.sort);
  const beyond = trusted(isDescending ? "<" : ">");
  return [sql`(${column}, documents.product_id) ${beyond} (${cursor.key}, ${cursor.id})`];
}

/** So many are gathered and sorted; where there are more, they are walked to. */
const FEW = 2_000;

/**
 * Where no index has both what is asked for and its order. Few that match are gathered and sorted. Many are found soon
 * enough by walking along the order and looking whether each matches.
 */
export function sift(search: SortedSearch & { words: null }): Found {
  const { column, direction } = orderOf(search.sort);
  const { limit, offset } = pageWindow(search);
  const { from, where } = matching(search);
  const conditions = allOf([...where, ...pastCursor(search)]);
  // The way that is not taken costs nothing only under a limit of 0: a condition would be asked row by row.
  const sorted = sql`SELECT product_id, key FROM matching ORDER BY key ${direction}, product_id ${direction}
    LIMIT (SELECT yes * ${limit} FROM few) OFFSET ${offset}`;
  const walked = walk(search, sql`(SELECT (NOT yes) * ${limit} FROM few)`);
  return {
    ctes: [
      sql`matching AS MATERIALIZED (
        SELECT documents.product_id, ${column} AS key FROM ${from} WHERE ${conditions} LIMIT ${constant(FEW + 1)})`,
      sql`few (yes) AS MATERIALIZED (SELECT count(*) <= ${constant(FEW)} FROM matching)`,
    ],
    page: sql`SELECT * FROM (${sorted}) UNION ALL SELECT * FROM (${walked.page})`,
    order: walked.order,
    counted: sql`(SELECT iif(yes, (SELECT count(*) FROM matching), ${countOf(search)}) FROM few)`,
  };
}

/**
 * What says the words, sorted by a column: gathered in a pass of the text index, as far as a list is counted; where there
 * is more, another pass keeps the page's best. To go along the column's own order and ask of each document whether it says
 * the words looks cheap, and is not: FTS5 answers of one document by going on to the next that matches, however far.
 */
export function gather(search: SortedSearch & { words: string[] }): Found {
  const { column, direction } = orderOf(search.sort);
  const { from, where } = matching(search);
  const all = sql`SELECT documents.product_id, ${column} AS key FROM ${from}
    WHERE ${allOf([...where, ...pastCursor(search)])}`;
  const { limit, offset } = pageWindow(search);
  // The way that is not taken costs nothing under a limit of 0.
  const pageOf = (source: Sql, taken: "yes" | "NOT yes") =>
    sql`SELECT * FROM (${source} ORDER BY key ${direction}, product_id ${direction}
      LIMIT (SELECT (${trusted(taken)}) * ${limit} FROM few) OFFSET ${offset})`;
  const most = constant(COUNT_LIMIT_ROWS);
  return {
    ctes: [
      wanted(search.words, search),
      sql`matching AS MATERIALIZED (${all} LIMIT ${constant(COUNT_LIMIT_ROWS + 1)})`,
      sql`few (yes, number) AS MATERIALIZED (SELECT count(*) <= ${most}, count(*) FROM matching)`,
    ],
    page: sql`${pageOf(sql`SELECT product_id, key FROM matching`, "yes")} UNION ALL ${pageOf(all, "NOT yes")}`,
    order: sql`page.key ${direction}, page.product_id ${direction}`,
    counted: sql`(SELECT number FROM few)`,
  };
}
