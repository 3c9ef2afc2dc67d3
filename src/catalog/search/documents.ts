import { type Sql, sql, trusted } from "../../platform/sql.ts";

/** What is asked of the documents of products on sale: see the table. */
export interface DocumentQuery {
  /** What a product must say; null asks nothing. An array without words is said by none. */
  words: string[] | null;
  /** Of the category with this id or this name. */
  category?: string | undefined;
  /** Minor units, inclusive. */
  minPrice?: number | undefined;
  maxPrice?: number | undefined;
  storeId?: string | undefined;
  /** Only what is available: in that store, or in any where none is named. */
  inStock: boolean;
  sort: Sort;
}

export type Sort = "relevance" | "newest" | "price_asc" | "price_desc";

/** A way to the documents that a search is about, in SQL. */
export interface Found {
  ctes: Sql[];
  /** A SELECT of `product_id` and its sort `key` (null where it is ranked), in no order. */
  page: Sql;
  /** What orders `page`. */
  order: Sql;
  /** How many there are on all pages: exact up to the limit of lists. */
  counted: Sql;
}

const ORDERS = {
  newest: { column: "created_at", direction: "DESC" },
  price_asc: { column: "price", direction: "ASC" },
  price_desc: { column: "price", direction: "DESC" },
} as const;

/** The column that a search goes by and its direction, in SQL too. */
export function orderOf(sort: Exclude<Sort, "relevance">) {
  const { column, direction } = ORDERS[sort];
  return {
    name: column,
    isDescending: direction === "DESC",
    column: trusted(`documents.${column}`),
    direction: trusted(direction),
  };
}

/** Whether only what one store has is asked for. */
export const asksOneStore = ({ inStock, storeId }: DocumentQuery): boolean =>
  inStock && storeId !== undefined;

/** Whether anything is asked for but words. */
export const hasFilters = (query: DocumentQuery): boolean =>
  query.category !== undefined || query.inStock || hasPriceRange(query);

export const hasPriceRange = ({ minPrice, maxPrice }: DocumentQuery): boolean =>
  minPrice !== undefined || maxPrice !== undefined;

/** `documents` by the index that leads through a query's category and stock in the order of a column. */
export function documentsBy(query: DocumentQuery, column: "created_at" | "price"): Sql {
  const index = [
    "documents",
    ...(query.inStock ? ["stocked"] : []),
    ...(query.category === undefined ? [] : ["category"]),
    column === "price" ? "price" : "newest",
  ].join("_");
  return trusted(`product_documents AS documents INDEXED BY ${index}`);
}

/** The id of the category that has this id, or this name. */
export const categoryCalled = (called: string): Sql =>
  sql`coalesce((SELECT id FROM categories WHERE id = ${called}),
    (SELECT id FROM categories WHERE lower(name) = lower(${called})))`;

/** What a document must be; `product_index` and the store's level are asked for elsewhere. */
export function documentConditions({ category, minPrice, maxPrice, inStock }: DocumentQuery): Sql[] {
  const conditions: Sql[] = [];
  if (category !== undefined) conditions.push(sql`documents.category_id = ${categoryCalled(category)}`);
  if (minPrice !== undefined) conditions.push(sql`documents.price >= ${minPrice}`);
  if (maxPrice !== undefined) conditions.push(sql`documents.price <= ${maxPrice}`);
  if (inStock) conditions.push(sql`documents.in_stock = 1`);
  return conditions;
}

/** That the query's one store has some, asked of each document by itself; nothing where none is named. */
export const inThatStore = ({ inStock, storeId }: DocumentQuery): Sql[] =>
  inStock && storeId !== undefined
    ? [
        sql`(SELECT levels.available FROM stock_levels AS levels
          WHERE levels.product_id = documents.product_id AND levels.store_id = ${storeId}) > 0`,
      ]
    : [];
