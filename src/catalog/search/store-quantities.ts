import type { Context } from "../../platform/context.ts";
import { jsonParameter } from "../../platform/d1.ts";
import type { List } from "../../platform/pagination.ts";
import type { Product } from "../products/schemas.ts";
import type { FoundProduct } from "./schemas.ts";

/** Says of each product of a page what one store has available: 0 where it was never stocked. */
export async function withStoreQuantities(
  { env }: Context,
  page: List<Product>,
  storeId: string,
): Promise<List<FoundProduct>> {
  const { results } = await env.DB.prepare(
    `SELECT l.product_id, l.available FROM json_each(?1) AS shown
     CROSS JOIN stock_levels AS l ON l.product_id = shown.value AND l.store_id = ?2`,
  )
    .bind(jsonParameter(page.results.map(({ id }) => id)), storeId)
    .all<{ product_id: string; available: number }>();
  const quantities = new Map(results.map(({ product_id, available }) => [product_id, available]));
  return {
    ...page,
    results: page.results.map((product) => ({ ...product, store_quantity: quantities.get(product.id) ?? 0 })),
  };
}
