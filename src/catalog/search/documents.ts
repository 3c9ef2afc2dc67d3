import { type Sql, sql, trusted } from "../../platform/sql.ts";
import { nameKey } from "../../platform/text/name-key.ts";
import type { Word } from "./terms.ts";

/** A search among the products on sale, which `product_documents` has. */
export interface DocumentQuery {
  /** Words that a product must have; null for a search without text. An empty array, of a text without words, finds none. */
  words: Word[] | null;
  /** What was asked for as a sku, case and dashes aside; the products that have it come first. */
  skuKey?: string | undefined;
  /** The id or the name of a category. */
  category?: string | undefined;
  /** Minor units, inclusive. */
  minPrice?: number | undefined;
  maxPrice?: number | undefined;
  storeId?: string | undefined;
  /** Only products that are available: in that store, or in any store if none is named. */
  inStock: boolean;
  sort: Sort;
}

export type Sort = "relevance" | "newest" | "price_asc" | "price_desc";

/** A query plan in SQL: how to find and order the documents of a search. */
export interface Plan {
  ctes: Sql[];
  /** A SELECT of `product_id` and its sort `key` (null when sorted by relevance); its order is not guaranteed. */
  page: Sql;
  /** The ORDER BY of `page`. */
  order: Sql;
  /** An expression for the number of documents on all pages, counted up to the limit of lists. */
  counted: Sql;
}

const ORDERS = {
  newest: { column: "created_at", direction: "DESC" },
  price_asc: { column: "price", direction: "ASC" },
  price_desc: { column: "price", direction: "DESC" },
} as const;

/** The column by which a search is sorted, and the direction. */
export function orderOf(sort: Exclude<Sort, "relevance">) {
  const { column, direction } = ORDERS[sort];
  return {
    name: column,
    isDescending: direction === "DESC",
    column: trusted(`documents.${column}`),
    direction: trusted(direction),
  };
}

/** Whether only products are wanted that one store has available. */
export const isInOneStore = ({ inStock, storeId }: DocumentQuery): boolean =>
  inStock && storeId !== undefined;

/** Whether the search has conditions other than words. */
export const hasFilters = (query: DocumentQuery): boolean =>
  query.category !== undefined || query.inStock || hasPriceRange(query);

export const hasPriceRange = ({ minPrice, maxPrice }: DocumentQuery): boolean =>
  minPrice !== undefined || maxPrice !== undefined;

/** `documents` with the index for a query's category and stock, in the order of a column. */
export function documentsBy(query: DocumentQuery, column: "created_at" | "price"): Sql {
  const index = [
    "documents",
    ...(query.inStock ? ["stocked"] : []),
    ...(query.category === undefined ? [] : ["category"]),
    column === "price" ? "price" : "newest",
  ].join("_");
  return trusted(`product_documents AS documents INDEXED BY ${index}`);
}

/** The id of the category with this id or name. */
export const categoryIdOf = (idOrName: string): Sql =>
  sql`coalesce((SELECT id FROM categories WHERE id = ${idOrName}),
    (SELECT id FROM categories WHERE name_key = ${nameKey(idOrName)}),
    (SELECT id FROM categories WHERE lower(name) = lower(${idOrName})))`;

/** Whether there is the category that a query names; an expression. */
export const isKnown = (category: string | undefined): Sql =>
  category === undefined ? trusted("true") : sql`${categoryIdOf(category)} IS NOT NULL`;

/** Asks for the same alone. */
export const selectKnown = (category: string | undefined): Sql<{ known: number }> =>
  sql<{ known: number }>`SELECT ${isKnown(category)} AS known`;

/** The conditions on `documents`, without those on words and on one store's stock. */
export function documentConditions({ category, minPrice, maxPrice, inStock }: DocumentQuery): Sql[] {
  const conditions: Sql[] = [];
  if (category !== undefined) conditions.push(sql`documents.category_id = ${categoryIdOf(category)}`);
  if (minPrice !== undefined) conditions.push(sql`documents.price >= ${minPrice}`);
  if (maxPrice !== undefined) conditions.push(sql`documents.price <= ${maxPrice}`);
  if (inStock) conditions.push(sql`documents.in_stock = 1`);
  return conditions;
}

/** The condition that the query's store has the product available, if the query asks for that. It is one lookup a row. */
export const inThatStore = ({ inStock, storeId }: DocumentQuery): Sql[] =>
  inStock && storeId !== undefined
    ? [
        sql`(SELECT levels.available FROM stock_levels AS levels
          WHERE levels.product_id = documents.product_id AND levels.store_id = ${storeId}) > 0`,
      ]
    : [];
