import { COUNT_LIMIT_ROWS, decodeCursor, type PageQuery, pageWindow } from "../../platform/pagination.ts";
import { allOf, constant, type Sql, sql } from "../../platform/sql.ts";
import {
  type DocumentQuery,
  documentConditions,
  type Found,
  hasPriceRange,
  inThatStore,
} from "./documents.ts";
import { countUpTo, INDEXED_DOCUMENTS, MATCHES, TITLE_MATCHES, wanted } from "./matching.ts";

/**
 * How much a word counts by where it stands: bm25's weights. Far apart, since bm25 counts for less in a longer text: a
 * title of a product that is described at length is still before a short description that says the word again and again.
 */
export interface Weights {
  title: number;
  category: number;
  description: number;
}

export const WEIGHTS: Weights = { title: 12, category: 1.5, description: 0.1 };

/** So many are scored of all that match, and where there are more, as many again of those that do so in the title. */
const SCORED = 1_000;
/**
 * Under a filter what matches may lie far apart, and a pass goes by all that says the words: so one scores as many as a
 * list is counted, and no other is needed for their number.
 */
const SIFTED = COUNT_LIMIT_ROWS + 1;

export type RankedSearch = DocumentQuery & PageQuery & { words: string[] };

/** How many stand before the page: under a cursor, which is a place in the order, as many as it says. */
export function placeOf(search: PageQuery): number {
  const key = search.cursor === undefined ? null : Number(decodeCursor(search.cursor)?.key);
  if (key === null) return pageWindow(search).offset;
  return Number.isSafeInteger(key) && key > 0 ? key : 0;
}

/**
 * The best first, by bm25. A word that very many products have must not be scored in all of them: where more match than
 * are scored, those that match in the title are candidates before others, and what is no candidate comes after them all,
 * unscored, oldest first.
 */
export function rank(search: RankedSearch, { title, category, description }: Weights): Found {
  const score = sql`bm25(product_index, ${title}, ${category}, ${description}, 0)`;
  const isSifted = search.inStock || hasPriceRange(search);
  const most = constant(isSifted ? SIFTED : SCORED);
  const conditions = allOf([...documentConditions(search), ...inThatStore(search)]);
  const [limit, place] = [search.page_size + 1, placeOf(search)];
  const candidate = (match: Sql, most: Sql) => sql`
    SELECT documents.id, documents.product_id, ${score} AS score FROM ${INDEXED_DOCUMENTS}
    WHERE ${match} AND ${conditions} LIMIT ${most}`;
  const asMany = sql`(SELECT yes * ${constant(SCORED)} FROM more)`;
  return {
    ctes: [
      wanted(search.words, search),
      sql`anywhere AS MATERIALIZED (${candidate(MATCHES, most)})`,
      sql`more (yes) AS MATERIALIZED (SELECT count(*) = ${most} FROM anywhere)`,
      sql`titled AS MATERIALIZED (${candidate(TITLE_MATCHES, asMany)})`,
      // One that is in both is scored by all that it says.
      sql`candidates AS MATERIALIZED (
        SELECT id, product_id, score FROM anywhere
        UNION ALL SELECT id, product_id, score FROM titled WHERE id NOT IN (SELECT id FROM anywhere))`,
      sql`scored (number) AS MATERIALIZED (SELECT count(*) FROM candidates)`,
    ],
    page: sql`SELECT * FROM (
        SELECT product_id, NULL AS key, 0 AS tier, score, id FROM candidates
        ORDER BY score, id LIMIT ${limit} OFFSET ${place})
      UNION ALL SELECT * FROM (
        SELECT documents.product_id, NULL, 1 AS tier, 0 AS score, documents.id FROM ${INDEXED_DOCUMENTS}
        WHERE ${MATCHES} AND ${conditions} AND documents.id NOT IN (SELECT id FROM candidates)
        LIMIT (SELECT yes * max(0, ${limit} - max(0, number - ${place})) FROM more, scored)
        OFFSET (SELECT max(0, ${place} - number) FROM scored))`,
    order: sql`page.tier, page.score, page.id`,
    counted: isSifted
      ? sql`(SELECT number FROM scored)`
      : sql`(SELECT iif(yes, ${countUpTo(search)}, number) FROM more, scored)`,
  };
}
