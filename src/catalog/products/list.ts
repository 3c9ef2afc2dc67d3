import type { Context } from "../../platform/context.ts";
import { COUNT_LIMIT_ROWS, type List, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { allOf, constant, type Sql, sql, trusted } from "../../platform/sql.ts";
import { categoryCalled } from "../search/documents.ts";
import { searchProducts } from "../search/search.ts";
import { PRODUCT_CATEGORY, PRODUCT_COLUMNS, type ProductRow, renderProduct } from "./product.ts";
import type { Product, ProductQuery } from "./schemas.ts";

const SORTS = {
  newest: { key: "created_at", direction: "DESC" },
  price_asc: { key: "price", direction: "ASC" },
  price_desc: { key: "price", direction: "DESC" },
} as const;

/**
 * One page of products, in one call to D1: those on sale as a search without words has them. Who may see what is archived
 * is the route's affair.
 */
export async function listProducts(context: Context, query: ProductQuery): Promise<List<Product>> {
  if (query.active === "true") return searchProducts(context, { ...query, words: null, inStock: false });
  const { key, direction } = SORTS[query.sort];
  const { rows, counted } = await readPage<ProductRow>(
    context.env.DB,
    {
      select: PRODUCT_COLUMNS,
      from: `products INDEXED BY ${indexThrough(query)}`,
      joins: PRODUCT_CATEGORY,
      where: conditionsOf(query),
      key: `products.${key}`,
      id: "products.id",
      direction,
      ...(query.active === "all" ? { counted: countOfAll(query) } : {}),
    },
    query,
  );
  return toList(query, rows, counted, (row) => ({ key: row[key], id: row.id }), renderProduct);
}

/** The index that leads through what is asked for in its order; SQLite's own guess may be one that it only fits in part. */
function indexThrough({ category, active, sort }: ProductQuery): string {
  const { key } = SORTS[sort];
  if (active === "all" && category === undefined) return `products_${key}`;
  return [
    "products",
    ...(active === "all" ? [] : ["archived"]),
    ...(category === undefined ? [] : ["category"]),
    ...(key === "price" ? ["price"] : []),
  ].join("_");
}

const conditionsOf = ({ category, active }: ProductQuery): Sql[] => [
  ...(category === undefined ? [] : [sql`products.category_id = ${categoryCalled(category)}`]),
  ...(active === "false" ? [sql`products.active = 0`] : []),
];

/** What is on sale is counted already; what is archived is less, and is gone through. */
function countOfAll(query: ProductQuery): Sql {
  const archived = allOf(conditionsOf({ ...query, active: "false" }));
  const whose = query.category === undefined ? trusted("''") : categoryCalled(query.category);
  return sql`coalesce((SELECT products FROM document_counts WHERE category_id = ${whose}), 0)
    + (SELECT count(*) FROM (SELECT 1 FROM products WHERE ${archived} LIMIT ${constant(COUNT_LIMIT_ROWS + 1)}))`;
}
