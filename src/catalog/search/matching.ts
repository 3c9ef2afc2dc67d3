import { COUNT_LIMIT } from "../../platform/pagination.ts";
import {
  asksOneStore,
  categoryCalled,
  type DocumentQuery,
  documentConditions,
  documentsBy,
  hasFilters,
  hasPriceRange,
  inThatStore,
  type Parameters,
} from "./documents.ts";
import { matchOf } from "./terms.ts";

/**
 * The CTE `wanted`: what FTS5 is asked. All words, if any product on sale has them all, whatever the filters say of it;
 * else any of them. Besides, of `shelf`, the category: so that no product of another is gone through.
 */
export function wanted(words: string[], { category }: DocumentQuery, parameters: Parameters): string {
  const { all, any } = matchOf(words);
  const said = parameters.add(all);
  const shelf =
    category === undefined
      ? "''"
      : `' AND {shelf} : "' || replace(substr(coalesce(${categoryCalled(parameters.add(category))}, ''), 5), '"', '""') || '"'`;
  return `wanted (words, shelf) AS MATERIALIZED (
    SELECT iif(EXISTS (SELECT 1 FROM product_index WHERE product_index MATCH ${said}), ${said}, ${parameters.add(any)}),
      ${shelf})`;
}

export const MATCHES = "product_index MATCH (SELECT words || shelf FROM wanted)";
export const TITLE_MATCHES =
  "product_index MATCH (SELECT '{title} : (' || words || ')' || shelf FROM wanted)";

export const INDEXED_DOCUMENTS =
  "product_index CROSS JOIN product_documents AS documents ON documents.id = product_index.rowid";

/** FROM and WHERE of all documents that a query is about, in no order: by whatever is likely to leave the fewest. */
export function matching(query: DocumentQuery, parameters: Parameters): { from: string; where: string[] } {
  const conditions = documentConditions(query, parameters);
  if (query.words !== null) {
    const stocked = asksOneStore(query) ? [inThatStore(query, parameters)] : [];
    return { from: INDEXED_DOCUMENTS, where: [MATCHES, ...conditions, ...stocked] };
  }
  if (asksOneStore(query) && query.category === undefined) {
    return {
      from: "stock_levels AS levels INDEXED BY stock_levels_on_shelf CROSS JOIN product_documents AS documents ON documents.product_id = levels.product_id",
      where: [
        `levels.store_id = ${parameters.add(query.storeId)} AND levels.state IN ('healthy', 'low')`,
        ...conditions,
      ],
    };
  }
  const column = hasPriceRange(query) ? "price" : "created_at";
  const stocked = asksOneStore(query) ? [inThatStore(query, parameters)] : [];
  return { from: documentsBy(query, column), where: [...conditions, ...stocked] };
}

/** How many documents a query without words is about, in SQL: by the counters where they have it, else by `countUpTo`. */
export function countOf(query: DocumentQuery, parameters: Parameters): string {
  const { category, storeId, inStock } = query;
  if (hasPriceRange(query)) return countUpTo(query, parameters);
  if (asksOneStore(query)) {
    return category === undefined
      ? `coalesce((SELECT products - out_of_stock FROM store_stock WHERE store_id = ${parameters.add(storeId)}), 0)`
      : countUpTo(query, parameters);
  }
  const whose = category === undefined ? "''" : categoryCalled(parameters.add(category));
  const counter = inStock ? "in_stock" : "products";
  return `coalesce((SELECT ${counter} FROM document_counts WHERE category_id = ${whose}), 0)`;
}

/** How many documents a query is about, in SQL: gone through, and no further than a list is counted. */
export function countUpTo(query: DocumentQuery, parameters: Parameters): string {
  const { from, where } =
    query.words !== null && !hasFilters(query)
      ? { from: "product_index", where: [MATCHES] }
      : matching(query, parameters);
  return `(SELECT count(*) FROM (SELECT 1 FROM ${from} WHERE ${where.join(" AND ")} LIMIT ${COUNT_LIMIT + 1}))`;
}
