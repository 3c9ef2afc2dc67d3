import {
  COUNT_LIMIT,
  type Cursor,
  decodeCursor,
  type PageQuery,
  pageWindow,
} from "../../platform/pagination.ts";
import {
  asksOneStore,
  type DocumentQuery,
  documentConditions,
  documentsBy,
  type Found,
  inThatStore,
  orderOf,
  type Parameters,
  type Sort,
} from "./documents.ts";
import { countOf, matching, wanted } from "./matching.ts";

/** A search by a column of the documents. */
type SortedSearch = DocumentQuery & PageQuery & { sort: Exclude<Sort, "relevance"> };

/**
 * Goes along the index of the order and stops when the page is full. Reads no more than the page where all that is asked
 * for is in that index; else also what it passes by.
 * @param limit in SQL; the page's unless given
 */
export function walk(search: SortedSearch & { words: null }, parameters: Parameters, limit?: string): Found {
  const { column, direction } = orderOf(search.sort);
  const window = pageWindow(search);
  const conditions = [
    ...documentConditions(search, parameters),
    ...(asksOneStore(search) ? [inThatStore(search, parameters)] : []),
    ...pastCursor(search, parameters),
  ];
  return {
    ctes: [],
    page: `SELECT documents.product_id, documents.${column} AS key FROM ${documentsBy(search, column)}
      WHERE ${conditions.join(" AND ")}
      ORDER BY documents.${column} ${direction}, documents.product_id ${direction}
      LIMIT ${limit ?? parameters.add(window.limit)} OFFSET ${parameters.add(window.offset)}`,
    order: `page.key ${direction}, page.product_id ${direction}`,
    counted: () => countOf(search, parameters),
  };
}

/** Past the place where the page before ended. */
function pastCursor(search: SortedSearch, parameters: Parameters): string[] {
  const cursor: Cursor | null = search.cursor === undefined ? null : decodeCursor(search.cursor);
  if (!cursor) return [];
  const { column, direction } = orderOf(search.sort);
  const [key, id] = [parameters.add(cursor.key), parameters.add(cursor.id)];
  return [`(documents.${column}, documents.product_id) ${direction === "DESC" ? "<" : ">"} (${key}, ${id})`];
}

/** So many are gathered and sorted; where there are more, they are walked to. */
const FEW = 2_000;

/**
 * Where no index has both what is asked for and its order. Few that match are gathered and sorted. Many are found soon
 * enough by walking along the order and looking whether each matches.
 */
export function sift(search: SortedSearch & { words: null }, parameters: Parameters): Found {
  const { column, direction } = orderOf(search.sort);
  const { limit, offset } = pageWindow(search);
  const { from, where } = matching(search, parameters);
  const conditions = [...where, ...pastCursor(search, parameters)].join(" AND ");
  // The way that is not taken costs nothing only under a limit of 0: a condition would be asked row by row.
  const sorted = `SELECT product_id, key FROM matching ORDER BY key ${direction}, product_id ${direction}
    LIMIT (SELECT yes * ${parameters.add(limit)} FROM few) OFFSET ${parameters.add(offset)}`;
  const walked = walk(search, parameters, `(SELECT (NOT yes) * ${parameters.add(limit)} FROM few)`);
  return {
    ctes: [
      `matching AS MATERIALIZED (
        SELECT documents.product_id, documents.${column} AS key FROM ${from} WHERE ${conditions} LIMIT ${FEW + 1})`,
      `few (yes) AS MATERIALIZED (SELECT count(*) <= ${FEW} FROM matching)`,
    ],
    page: `SELECT * FROM (${sorted}) UNION ALL SELECT * FROM (${walked.page})`,
    order: walked.order,
    counted: () =>
      `(SELECT iif(yes, (SELECT count(*) FROM matching), ${countOf(search, parameters)}) FROM few)`,
  };
}

/**
 * What says the words, sorted by a column: gathered in a pass of the text index, as far as a list is counted; where there
 * is more, another pass keeps the page's best. To go along the column's own order and ask of each document whether it says
 * the words looks cheap, and is not: FTS5 answers of one document by going on to the next that matches, however far.
 */
export function gather(search: SortedSearch & { words: string[] }, parameters: Parameters): Found {
  const { column, direction } = orderOf(search.sort);
  const { from, where } = matching(search, parameters);
  const all = `SELECT documents.product_id, documents.${column} AS key FROM ${from}
    WHERE ${[...where, ...pastCursor(search, parameters)].join(" AND ")}`;
  const window = pageWindow(search);
  const [limit, offset] = [parameters.add(window.limit), parameters.add(window.offset)];
  // The way that is not taken costs nothing under a limit of 0.
  const pageOf = (source: string, taken: string) =>
    `SELECT * FROM (${source} ORDER BY key ${direction}, product_id ${direction}
      LIMIT (SELECT (${taken}) * ${limit} FROM few) OFFSET ${offset})`;
  return {
    ctes: [
      wanted(search.words, search, parameters),
      `matching AS MATERIALIZED (${all} LIMIT ${COUNT_LIMIT + 1})`,
      `few (yes, number) AS MATERIALIZED (SELECT count(*) <= ${COUNT_LIMIT}, count(*) FROM matching)`,
    ],
    page: `${pageOf("SELECT product_id, key FROM matching", "yes")} UNION ALL ${pageOf(all, "NOT yes")}`,
    order: `page.key ${direction}, page.product_id ${direction}`,
    counted: () => "(SELECT number FROM few)",
  };
}
