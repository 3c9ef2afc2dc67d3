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
  ctes: string[];
  /** A SELECT of `product_id` and its sort `key` (null where it is ranked), in no order. */
  page: string;
  /** What orders `page`. */
  order: string;
  /** How many there are on all pages: exact up to the limit of lists. Made only where it is asked for. */
  counted: () => string;
}

const ORDERS = {
  newest: { column: "created_at", direction: "DESC" },
  price_asc: { column: "price", direction: "ASC" },
  price_desc: { column: "price", direction: "DESC" },
} as const;

export const orderOf = (sort: Exclude<Sort, "relevance">) => ORDERS[sort];

/** Gathers the parameters of a statement, and names each in its text. */
export class Parameters {
  readonly values: unknown[] = [];

  add(value: unknown): string {
    this.values.push(value);
    return `?${this.values.length}`;
  }
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
export function documentsBy(query: DocumentQuery, column: "created_at" | "price"): string {
  const index = [
    "documents",
    ...(query.inStock ? ["stocked"] : []),
    ...(query.category === undefined ? [] : ["category"]),
    column === "price" ? "price" : "newest",
  ].join("_");
  return `product_documents AS documents INDEXED BY ${index}`;
}

/** The id of the category that has it, or has it for a name. @param id a parameter, in SQL */
export const categoryCalled = (id: string): string =>
  `coalesce((SELECT id FROM categories WHERE id = ${id}), (SELECT id FROM categories WHERE lower(name) = lower(${id})))`;

/** What a document must be; `product_index` and the store's level are asked for elsewhere. Never empty. */
export function documentConditions(query: DocumentQuery, parameters: Parameters): string[] {
  const { category, minPrice, maxPrice, inStock } = query;
  const conditions = ["true"];
  if (category !== undefined) {
    conditions.push(`documents.category_id = ${categoryCalled(parameters.add(category))}`);
  }
  if (minPrice !== undefined) conditions.push(`documents.price >= ${parameters.add(minPrice)}`);
  if (maxPrice !== undefined) conditions.push(`documents.price <= ${parameters.add(maxPrice)}`);
  if (inStock) conditions.push("documents.in_stock = 1");
  return conditions;
}

/** That the query's one store has some: asked of each document by itself. */
export const inThatStore = ({ storeId }: DocumentQuery, parameters: Parameters): string =>
  `(SELECT levels.available FROM stock_levels AS levels
    WHERE levels.product_id = documents.product_id AND levels.store_id = ${parameters.add(storeId)}) > 0`;
