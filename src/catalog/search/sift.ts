import { pageWindow } from "../../platform/pagination.ts";
import { orderOf, type Parameters } from "./documents.ts";
import { matching, SAYS_SO, wanted } from "./matching.ts";
import { pastCursor, type SortedSearch, walk } from "./walk.ts";

/** So many are gathered and sorted; where there are more, every so many-th document is one, and they are walked to. */
const FEW = { words: 4_000, filters: 2_000 };

/**
 * Where no index has both what is asked for and its order. Few that match are gathered and sorted. Many are found soon
 * enough by walking along the order and looking whether each matches.
 * @returns the CTEs, and a SELECT of `product_id` and its sort `key`, in no order
 */
export function sift(search: SortedSearch, parameters: Parameters): { ctes: string[]; page: string } {
  const { column, direction } = orderOf(search.sort);
  const { limit, offset } = pageWindow(search);
  const few = search.words === null ? FEW.filters : FEW.words;
  const ctes = search.words === null ? [] : [wanted(search.words, search, parameters)];
  const { from, where } = matching(search, parameters);
  const conditions = [...where, ...pastCursor(search, parameters)];
  ctes.push(
    `matching AS MATERIALIZED (
      SELECT documents.product_id, documents.${column} AS key FROM ${from} WHERE ${conditions.join(" AND ")}
      LIMIT ${few + 1})`,
    `few (yes) AS MATERIALIZED (SELECT count(*) <= ${few} FROM matching)`,
  );
  // The way that is not taken costs nothing only under a limit of 0: a condition would be asked row by row.
  const sorted = `SELECT product_id, key FROM matching ORDER BY key ${direction}, product_id ${direction}
    LIMIT (SELECT yes * ${parameters.add(limit)} FROM few) OFFSET ${parameters.add(offset)}`;
  const walked = walk(search, parameters, {
    besides: search.words === null ? [] : [SAYS_SO],
    limit: `(SELECT (NOT yes) * ${parameters.add(limit)} FROM few)`,
  });
  return { ctes, page: `SELECT * FROM (${sorted}) UNION ALL SELECT * FROM (${walked})` };
}
