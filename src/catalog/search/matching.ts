import { type Sql, sql, trusted } from "../../platform/sql.ts";
import {
  categoryCalled,
  type DocumentQuery,
  documentConditions,
  documentsBy,
  hasPriceRange,
  inThatStore,
} from "./documents.ts";
import { matchOf } from "./terms.ts";

/**
 * The CTE `wanted`: what FTS5 is asked. All words, if any product on sale has them all, whatever the filters say of it;
 * else any of them. Besides, of `shelf`, the category: so that no product of another is gone through.
 */
export function wanted(words: string[], { category }: DocumentQuery): Sql {
  const { all, any } = matchOf(words);
  const shelf =
    category === undefined
      ? trusted("''")
      : sql`' AND {shelf} : "' || replace(substr(coalesce(${categoryCalled(category)}, ''), 5), '"', '""') || '"'`;
  return sql`wanted (words, shelf) AS MATERIALIZED (
    SELECT iif(EXISTS (SELECT 1 FROM product_index WHERE product_index MATCH ${all}), ${all}, ${any}), ${shelf})`;
}

export const MATCHES = sql`product_index MATCH (SELECT words || shelf FROM wanted)`;
export const TITLE_MATCHES = sql`product_index MATCH (SELECT '{title} : (' || words || ')' || shelf FROM wanted)`;

export const INDEXED_DOCUMENTS = sql`product_index
  CROSS JOIN product_documents AS documents ON documents.id = product_index.rowid`;

/** FROM and WHERE of all documents that a query is about, in no order: by whatever is likely to leave the fewest. */
export function matching(query: DocumentQuery): { from: Sql; where: Sql[] } {
  const conditions = documentConditions(query);
  const stocked = inThatStore(query);
  if (query.words !== null) return { from: INDEXED_DOCUMENTS, where: [MATCHES, ...conditions, ...stocked] };
  const { inStock, storeId, category } = query;
  if (inStock && storeId !== undefined && category === undefined) {
    return {
      from: sql`stock_levels AS levels INDEXED BY stock_levels_on_shelf
        CROSS JOIN product_documents AS documents ON documents.product_id = levels.product_id`,
      where: [sql`levels.store_id = ${storeId} AND levels.state IN ('healthy', 'low')`, ...conditions],
    };
  }
  const column = hasPriceRange(query) ? "price" : "created_at";
  return { from: documentsBy(query, column), where: [...conditions, ...stocked] };
}
