import { COUNT_LIMIT_ROWS } from "../../platform/pagination.ts";
import { allOf, constant, type Sql, sql, trusted } from "../../platform/sql.ts";
import {
  categoryCalled,
  type DocumentQuery,
  documentConditions,
  documentsBy,
  hasFilters,
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

/** How many documents a query without words is about, in SQL: by the counters where they have it, else by `countUpTo`. */
export function countOf(query: DocumentQuery): Sql {
  const { category, storeId, inStock } = query;
  if (hasPriceRange(query)) return countUpTo(query);
  if (inStock && storeId !== undefined) {
    return category === undefined
      ? sql`coalesce((SELECT products - out_of_stock FROM store_stock WHERE store_id = ${storeId}), 0)`
      : countUpTo(query);
  }
  const whose = category === undefined ? trusted("''") : categoryCalled(category);
  const counter = trusted(inStock ? "in_stock" : "products");
  return sql`coalesce((SELECT ${counter} FROM document_counts WHERE category_id = ${whose}), 0)`;
}

/** How many documents a query is about, in SQL: gone through, and no further than a list is counted. */
export function countUpTo(query: DocumentQuery): Sql {
  const { from, where } =
    query.words !== null && !hasFilters(query)
      ? { from: trusted("product_index"), where: [MATCHES] }
      : matching(query);
  return sql`(SELECT count(*)
    FROM (SELECT 1 FROM ${from} WHERE ${allOf(where)} LIMIT ${constant(COUNT_LIMIT_ROWS + 1)}))`;
}
