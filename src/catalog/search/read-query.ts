import type { FieldError } from "../../platform/http/problem.ts";
import { exponentOf, parseAmount } from "../../platform/money.ts";
import { skuKey } from "./folded.ts";
import type { SearchQuery } from "./schemas.ts";
import type { ProductSearch } from "./search.ts";
import { wordsOf } from "./terms.ts";

/** A text of more words is no sku. */
const MAX_SKU_WORDS = 6;

export type ReadQuery =
  | { kind: "search"; search: ProductSearch }
  | { kind: "unreadable"; errors: FieldError[] }
  | { kind: "reversed" };

/** Parses a query. Queries that ask for the same give equal results, which are cached once. @param currency the shop's */
export function readQuery(query: SearchQuery, currency: string): ReadQuery {
  const { q, category, store_id, in_stock, min_price, max_price, ...page } = query;
  const words = q === undefined || q.trim() === "" ? null : wordsOf(q);
  const [minPrice, maxPrice] = [min_price, max_price].map((text) =>
    text === undefined ? undefined : parseAmount(text.trim(), currency),
  );
  const errors = Object.entries({ min_price: minPrice, max_price: maxPrice })
    .filter(([, amount]) => amount === null)
    .map(([field]) => ({
      field,
      code: "invalid_amount" as const,
      message: `must be a decimal from 0 with at most ${exponentOf(currency)} decimal digits`,
    }));
  if (minPrice === null || maxPrice === null) return { kind: "unreadable", errors };
  if (minPrice !== undefined && maxPrice !== undefined && minPrice > maxPrice) return { kind: "reversed" };
  const wanted = page.sort ?? "relevance";
  return {
    kind: "search",
    search: {
      ...page,
      words,
      skuKey:
        words !== null && words.length > 0 && words.length <= MAX_SKU_WORDS ? skuKey(q ?? "") : undefined,
      category,
      minPrice,
      maxPrice,
      storeId: store_id,
      inStock: in_stock === "true",
      sort: words === null && wanted === "relevance" ? "newest" : wanted,
    },
  };
}
