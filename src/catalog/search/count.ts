import { COUNT_LIMIT } from "../../platform/pagination.ts";
import {
  asksOneStore,
  categoryCalled,
  type DocumentQuery,
  hasFilters,
  hasPriceRange,
  type Parameters,
} from "./documents.ts";
import { MATCHES, matching } from "./matching.ts";

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
