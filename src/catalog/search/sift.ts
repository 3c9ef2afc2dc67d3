import { pageWindow } from "../../platform/pagination.ts";
import { countOf } from "./count.ts";
import { type Found, orderOf, type Parameters } from "./documents.ts";
import { matching } from "./matching.ts";
import { pastCursor, type SortedSearch, walk } from "./walk.ts";

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
