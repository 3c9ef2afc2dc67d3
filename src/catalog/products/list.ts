import type { Context } from "../../platform/context.ts";
import { type List, toList } from "../../platform/pagination.ts";
import { type Condition, readPage } from "../../platform/read-page.ts";
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
 * One page of products, in one D1 batch: those on sale as a search without words has them. Who may see what is archived
 * is the route's affair.
 */
export async function listProducts(context: Context, query: ProductQuery): Promise<List<Product>> {
  if (query.active === "true") return searchProducts(context, { ...query, words: null, inStock: false });
  const { key, direction } = SORTS[query.sort];
  const { rows, counted } = await readPage<ProductRow>(
    context.env.DB,
    {
      select: PRODUCT_COLUMNS,
      from: `products INDEXED BY ${indexOf(query)}`,
      joins: PRODUCT_CATEGORY,
      where: conditionsOf(query),
      key: `products.${key}`,
      id: "products.id",
      direction,
    },
    query,
  );
  return toList(query, rows, counted, (row) => ({ key: row[key], id: row.id }), renderProduct);
}

/** What is on sale and what is archived together, or what is archived alone. */
function indexOf({ category, active, sort }: ProductQuery): string {
  const archived = active === "false" ? "_archived" : "";
  const inCategory = category === undefined ? "" : "_category";
  const byPrice = sort !== "newest";
  if (byPrice) return `products${archived}${inCategory}_price`;
  return archived === "" && inCategory === "" ? "products_created_at" : `products${archived}${inCategory}`;
}

function conditionsOf({ category, active }: ProductQuery): Condition[] {
  const conditions: Condition[] = [];
  if (category !== undefined) {
    conditions.push({
      sql: `products.category_id = ${categoryCalled("?")}`,
      parameters: [category, category],
    });
  }
  if (active === "false") conditions.push({ sql: "products.active = 0", parameters: [] });
  return conditions;
}
