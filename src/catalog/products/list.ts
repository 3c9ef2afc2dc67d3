import type { Context } from "../../platform/context.ts";
import { COUNT_LIMIT_ROWS, type List, toList } from "../../platform/pagination.ts";
import { readPage } from "../../platform/read-page.ts";
import { allOf, constant, type Sql, sql, trusted } from "../../platform/sql.ts";
import { categoryIdOf, selectKnown } from "../search/documents.ts";
import { searchProducts } from "../search/search.ts";
import { PRODUCT_CATEGORY, PRODUCT_COLUMNS, type ProductRow, renderProduct } from "./product.ts";
import type { Product, ProductQuery } from "./schemas.ts";

const SORTS = {
  newest: { key: "created_at", direction: "DESC" },
  price_asc: { key: "price", direction: "ASC" },
  price_desc: { key: "price", direction: "DESC" },
} as const;

/**
 * Reads a page of products in one call to D1. Products on sale are listed by a search without words, but for the one that has
 * a SKU. The route checks who may see archived ones. Null when there is no such category.
 */
export async function listProducts(context: Context, query: ProductQuery): Promise<List<Product> | null> {
  if (query.active === "true" && query.sku === undefined)
    return searchProducts(context, { ...query, words: null, inStock: false });
  const { key, direction } = SORTS[query.sort];
  const { category, sku } = query;
  const { rows, counted, extra } = await readPage<ProductRow, { known: number }>(
    context.env.DB,
    {
      select: PRODUCT_COLUMNS,
      from: `products INDEXED BY ${indexFor(query)}`,
      joins: PRODUCT_CATEGORY,
      where: conditionsOf(query),
      key: `products.${key}`,
      id: "products.id",
      direction,
      ...(query.active === "all" && sku === undefined ? { counted: countOfAll(query) } : {}),
    },
    query,
    category === undefined ? undefined : selectKnown(category),
  );
  if (category !== undefined && !extra[0]?.known) return null;
  return toList(query, rows, counted, (row) => ({ key: row[key], id: row.id }), renderProduct);
}

/** The index with both the filter and the order of a query. It is named because SQLite may choose one with only a part. */
function indexFor({ category, active, sort, sku }: ProductQuery): string {
  if (sku !== undefined) return "products_sku_unique";
  const { key } = SORTS[sort];
  if (active === "all" && category === undefined) return `products_${key}`;
  return [
    "products",
    ...(active === "all" ? [] : ["archived"]),
    ...(category === undefined ? [] : ["category"]),
    ...(key === "price" ? ["price"] : []),
  ].join("_");
}

/** `active` stands in the text: the indexes of what is archived are partial. */
const conditionsOf = ({ category, active, sku }: ProductQuery): Sql[] => [
  ...(sku === undefined ? [] : [sql`products.sku = ${sku}`]),
  ...(category === undefined ? [] : [sql`products.category_id = ${categoryIdOf(category)}`]),
  ...(active === "all" ? [] : [active === "true" ? sql`products.active = 1` : sql`products.active = 0`]),
];

/** A counter has the products on sale. The archived ones are fewer, so their rows are counted. */
function countOfAll(query: ProductQuery): Sql {
  const archived = allOf(conditionsOf({ ...query, active: "false" }));
  const whose = query.category === undefined ? trusted("''") : categoryIdOf(query.category);
  return sql`coalesce((SELECT products FROM document_counts WHERE category_id = ${whose}), 0)
    + (SELECT count(*) FROM (SELECT 1 FROM products WHERE ${archived} LIMIT ${constant(COUNT_LIMIT_ROWS + 1)}))`;
}
