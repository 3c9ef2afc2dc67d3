import type { Context } from "../../platform/context.ts";
import type { List } from "../../platform/pagination.ts";
import { all, each, sql } from "../../platform/sql.ts";
import type { Product } from "../products/schemas.ts";
import type { FoundProduct } from "./schemas.ts";

/** Says of each product of a page what one store has available: 0 where it was never stocked. */
export async function withStoreQuantities(
  { env }: Context,
  page: List<Product>,
  storeId: string,
): Promise<List<FoundProduct>> {
  const levels = await all(
    env.DB,
    sql<{ product_id: string; available: number }>`
      SELECT l.product_id, l.available FROM ${each(page.results.map(({ id }) => id))} AS shown
      CROSS JOIN stock_levels AS l ON l.product_id = shown.value AND l.store_id = ${storeId}`,
  );
  const quantities = new Map(levels.map(({ product_id, available }) => [product_id, available]));
  return {
    ...page,
    results: page.results.map((product) => ({ ...product, store_quantity: quantities.get(product.id) ?? 0 })),
  };
}
