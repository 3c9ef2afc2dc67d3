import { COUNT_LIMIT_ROWS, decodeCursor, type PageQuery, pageWindow } from "../../platform/pagination.ts";
import { allOf, constant, type Sql, sql } from "../../platform/sql.ts";
import {
  type DocumentQuery,
  documentConditions,
  hasPriceRange,
  inThatStore,
  type Plan,
} from "./documents.ts";
import { countUpTo, INDEXED_DOCUMENTS, MATCHES, TITLE_MATCHES, textQuery } from "./matching.ts";
import type { Word } from "./terms.ts";

/**
 * The weights of bm25: how much a word counts by where it stands. They are far apart because bm25 counts a word less in a
 * longer text. So a product with the word in its title and a long description still comes before one with a short
 * description that repeats the word.
 */
export interface Weights {
  title: number;
  category: number;
  description: number;
}

export const WEIGHTS: Weights = { title: 12, category: 1.5, description: 0.1 };

/** How many matches are scored; if there are more, as many again of those that match in the title. */
const SCORED_ROWS = 1_000;
/**
 * How many are scored under a filter. Finding them may mean scanning all that match the words, so one scan finds as many
 * as lists count, and serves for the count too.
 */
const FILTERED_ROWS = COUNT_LIMIT_ROWS + 1;

/** How many products are taken for the one whose sku was asked for. */
const NAMED_ROWS = 10;
/** Below every score of bm25, of which the lowest is the best. */
const BEFORE_ALL = -1_000_000_000;

export type RankedSearch = DocumentQuery & PageQuery & { words: Word[] };

/** How many rows come before the page. A cursor of such a list holds that number. */
export function rowsBefore(search: PageQuery): number {
  const key = search.cursor === undefined ? null : Number(decodeCursor(search.cursor)?.key);
  if (key === null) return pageWindow(search).offset;
  return Number.isSafeInteger(key) && key > 0 ? key : 0;
}

/**
 * The most relevant first, by bm25. A word that very many products have cannot be scored in all of them. If more match than
 * are scored, those that match in the title are candidates too; matches that are no candidates come after all candidates,
 * not scored, the oldest first.
 */
export function planByRelevance(search: RankedSearch, { title, category, description }: Weights): Plan {
  const score = sql`bm25(product_index, ${title}, ${category}, ${description}, 0)`;
  const isFiltered = search.inStock || hasPriceRange(search);
  const most = constant(isFiltered ? FILTERED_ROWS : SCORED_ROWS);
  const conditions = allOf([...documentConditions(search), ...inThatStore(search)]);
  const [limit, place] = [search.page_size + 1, rowsBefore(search)];
  const candidate = (match: Sql, most: Sql) => sql`
    SELECT documents.id, documents.product_id, ${score} AS score FROM ${INDEXED_DOCUMENTS}
    WHERE ${match} AND ${conditions} LIMIT ${most}`;
  // Of equal keys there are hardly two: skus that differ in dashes or case alone.
  const named = sql`SELECT documents.id, documents.product_id FROM products INDEXED BY products_sku_key
    CROSS JOIN product_documents AS documents ON documents.product_id = products.id
    WHERE products.sku_key = ${search.skuKey ?? ""} AND ${conditions} LIMIT ${constant(NAMED_ROWS)}`;
  const asMany = sql`(SELECT yes * ${constant(SCORED_ROWS)} FROM more)`;
  return {
    ctes: [
      textQuery(search.words, search),
      sql`anywhere AS MATERIALIZED (${candidate(MATCHES, most)})`,
      sql`more (yes) AS MATERIALIZED (SELECT count(*) = ${most} FROM anywhere)`,
      sql`titled AS MATERIALIZED (${candidate(TITLE_MATCHES, asMany)})`,
      sql`named AS MATERIALIZED (${search.skuKey ? named : sql`SELECT NULL AS id, NULL AS product_id LIMIT 0`})`,
      // A product in several sets keeps the place of the first: whose sku it is comes before all, and what matches anywhere
      // has a score that counts all its texts.
      sql`candidates AS MATERIALIZED (
        SELECT id, product_id, ${constant(BEFORE_ALL)} AS score FROM named
        UNION ALL SELECT id, product_id, score FROM anywhere WHERE id NOT IN (SELECT id FROM named)
        UNION ALL SELECT id, product_id, score FROM titled
          WHERE id NOT IN (SELECT id FROM anywhere) AND id NOT IN (SELECT id FROM named))`,
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
    counted: isFiltered
      ? sql`(SELECT number FROM scored)`
      : sql`(SELECT iif(yes, ${countUpTo(search)}, number) FROM more, scored)`,
  };
}
