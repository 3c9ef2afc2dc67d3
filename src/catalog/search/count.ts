import { COUNT_LIMIT } from "../../platform/pagination.ts";
import { allOf, constant, type Sql, sql, trusted } from "../../platform/sql.ts";
import { categoryCalled, type DocumentQuery, hasFilters, hasPriceRange } from "./documents.ts";
import { MATCHES, matching } from "./matching.ts";

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
    FROM (SELECT 1 FROM ${from} WHERE ${allOf(where)} LIMIT ${constant(COUNT_LIMIT + 1)}))`;
}
