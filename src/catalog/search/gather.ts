import { COUNT_LIMIT, pageWindow } from "../../platform/pagination.ts";
import { allOf, constant, type Sql, sql, trusted } from "../../platform/sql.ts";
import { type Found, orderOf } from "./documents.ts";
import { matching, wanted } from "./matching.ts";
import { pastCursor, type SortedSearch } from "./walk.ts";

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
  const most = constant(COUNT_LIMIT);
  return {
    ctes: [
      wanted(search.words, search),
      sql`matching AS MATERIALIZED (${all} LIMIT ${constant(COUNT_LIMIT + 1)})`,
      sql`few (yes, number) AS MATERIALIZED (SELECT count(*) <= ${most}, count(*) FROM matching)`,
    ],
    page: sql`${pageOf(sql`SELECT product_id, key FROM matching`, "yes")} UNION ALL ${pageOf(all, "NOT yes")}`,
    order: sql`page.key ${direction}, page.product_id ${direction}`,
    counted: sql`(SELECT number FROM few)`,
  };
}
