import { pageWindow } from "../../platform/pagination.ts";
import { orderOf, type Parameters } from "./documents.ts";
import { matching, SAYS_SO, wanted } from "./matching.ts";
import { pastCursor, type SortedSearch, walk } from "./walk.ts";

/** So many are gathered and sorted; where there are more, every so many-th document is one, and they are walked to. */
const FEW = { words: 10_000, filters: 2_000 };

/**
 * Where no index has both what is asked for and its order. Few that match are gathered and sorted. Many are found soon
 * enough by walking along the order and looking whether each matches.
 * @returns the CTEs, and a SELECT of `product_id` and its sort `key`, in no order
 */
export function sift(search: SortedSearch, parameters: Parameters): { ctes: string[]; page: string } {
  const { column, direction } = orderOf(search.sort);
  const { limit, offset } = pageWindow(search);
  const few = search.words === null ? FEW.filters : FEW.words;
  const ctes = search.words === null ? [] : [wanted(search.words, parameters)];
  const { from, where } = matching(search, parameters);
  const conditions = [...where, ...pastCursor(search, parameters)];
  ctes.push(
    `matching AS MATERIALIZED (
      SELECT documents.product_id, documents.${column} AS key FROM ${from} WHERE ${conditions.join(" AND ")}
      LIMIT ${few + 1})`,
    `few (yes) AS MATERIALIZED (SELECT count(*) <= ${few} FROM matching)`,
  );
  const besides = ["NOT (SELECT yes FROM few)", ...(search.words === null ? [] : [SAYS_SO])];
  const page = `SELECT * FROM (
      SELECT product_id, key FROM matching WHERE (SELECT yes FROM few)
      ORDER BY key ${direction}, product_id ${direction}
      LIMIT ${parameters.add(limit)} OFFSET ${parameters.add(offset)})
    UNION ALL SELECT * FROM (${walk(search, parameters, besides)})`;
  return { ctes, page };
}
