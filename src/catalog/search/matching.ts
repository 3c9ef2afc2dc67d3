import { COUNT_LIMIT_ROWS } from "../../platform/pagination.ts";
import { allOf, constant, type Sql, sql, trusted } from "../../platform/sql.ts";
import {
  categoryIdOf,
  type DocumentQuery,
  documentConditions,
  documentsBy,
  hasFilters,
  hasPriceRange,
  inThatStore,
} from "./documents.ts";
import { matchOf, type Word } from "./terms.ts";

/**
 * The CTE `wanted` with the query for FTS5. It asks for all words if some product on sale has them all, whether it passes
 * the filters or not, otherwise for any of them. It also asks for the category, which the index has in its column `shelf`,
 * so that no matches in other categories are scanned.
 */
export function textQuery(words: Word[], { category }: DocumentQuery): Sql {
  const { all, any } = matchOf(words);
  const shelf =
    category === undefined
      ? trusted("''")
      : sql`' AND {shelf} : "' || replace(substr(coalesce(${categoryIdOf(category)}, ''), 5), '"', '""') || '"'`;
  return sql`wanted (words, shelf) AS MATERIALIZED (
    SELECT iif(EXISTS (SELECT 1 FROM product_index WHERE product_index MATCH ${all}), ${all}, ${any}), ${shelf})`;
}

export const MATCHES = sql`product_index MATCH (SELECT words || shelf FROM wanted)`;
export const TITLE_MATCHES = sql`product_index MATCH (SELECT '{title} : (' || words || ')' || shelf FROM wanted)`;

export const INDEXED_DOCUMENTS = sql`product_index
  CROSS JOIN product_documents AS documents ON documents.id = product_index.rowid`;

/** FROM and WHERE of all documents of a search, in no order, by the index that probably leaves the fewest rows. */
export function matchingDocuments(query: DocumentQuery): { from: Sql; where: Sql[] } {
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

/** The number of documents of a search without words: from a counter if there is one, otherwise by `countUpTo`. */
export function countOf(query: DocumentQuery): Sql {
  const { category, storeId, inStock } = query;
  if (hasPriceRange(query)) return countUpTo(query);
  if (inStock && storeId !== undefined) {
    return category === undefined
      ? sql`coalesce((SELECT products - out_of_stock FROM store_stock WHERE store_id = ${storeId}), 0)`
      : countUpTo(query);
  }
  const whose = category === undefined ? trusted("''") : categoryIdOf(category);
  const counter = trusted(inStock ? "in_stock" : "products");
  return sql`coalesce((SELECT ${counter} FROM document_counts WHERE category_id = ${whose}), 0)`;
}

/** The number of documents of a search, found by counting rows up to the limit of lists. */
export function countUpTo(query: DocumentQuery): Sql {
  const { from, where } =
    query.words !== null && !hasFilters(query)
      ? { from: trusted("product_index"), where: [MATCHES] }
      : matchingDocuments(query);
  return sql`(SELECT count(*)
    FROM (SELECT 1 FROM ${from} WHERE ${allOf(where)} LIMIT ${constant(COUNT_LIMIT_ROWS + 1)}))`;
}
