import { COUNT_LIMIT, pageWindow } from "../../platform/pagination.ts";
import { type Found, orderOf, type Parameters } from "./documents.ts";
import { matching, wanted } from "./matching.ts";
import { pastCursor, type SortedSearch } from "./walk.ts";

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
