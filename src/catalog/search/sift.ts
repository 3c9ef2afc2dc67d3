import { pageWindow } from "../../platform/pagination.ts";
import { allOf, constant, sql } from "../../platform/sql.ts";
import { countOf } from "./count.ts";
import { type Found, orderOf } from "./documents.ts";
import { matching } from "./matching.ts";
import { pastCursor, type SortedSearch, walk } from "./walk.ts";

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
