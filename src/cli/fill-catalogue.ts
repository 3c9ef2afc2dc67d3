import { z } from "zod";
import type { MoneyWire } from "../platform/money.ts";
import type { Api } from "./api.ts";

export interface CategoryPlan {
  name: string;
  description: string;
}

export interface StorePlan {
  name: string;
  address: string;
  country: string;
  priority: number;
}

/** A product whose category and stores are given by name. */
export interface ProductPlan {
  sku: string;
  title: string;
  description: string;
  category: string;
  price: MoneyWire;
  attributes: Record<string, string>;
  stock: { store: string; quantity: number }[];
}

/** Small enough that a call takes less than a second, so that a progress bar moves. */
export const PRODUCTS_PER_CALL = 200;

const named = z.object({ id: z.string(), name: z.string() });

/** Creates the categories that do not exist yet. Returns all ids by name. */
export const ensureCategories = (api: Api, plans: CategoryPlan[]): Promise<Map<string, string>> =>
  ensureNamed(api, "/categories", plans);

/** Creates the stores that do not exist yet. Returns all ids by name. */
export const ensureStores = (api: Api, plans: StorePlan[]): Promise<Map<string, string>> =>
  ensureNamed(api, "/stores", plans);

async function ensureNamed(api: Api, path: string, plans: { name: string }[]): Promise<Map<string, string>> {
  const ids = new Map((await api.list(path, named)).map((row) => [row.name, row.id]));
  for (const plan of plans) {
    if (!ids.has(plan.name)) ids.set(plan.name, (await api.post(path, plan, named)).id);
  }
  return ids;
}

const bulkSchema = z.object({
  results: z.array(
    z.object({
      index: z.number(),
      id: z.string().optional(),
      errors: z.unknown().optional(),
    }),
  ),
});

/**
 * Writes products by their sku, in one call. Opening stock is set only in stores that never had the product.
 * @returns their ids, in the order of the plans
 */
export async function writeProducts(
  api: Api,
  plans: ProductPlan[],
  categories: Map<string, string>,
  stores: Map<string, string>,
): Promise<string[]> {
  const products = plans.map(({ category, stock, ...plan }) => ({
    ...plan,
    category_id: categories.get(category),
    stock: stock.map(({ store, quantity }) => ({ store_id: stores.get(store), quantity })),
  }));
  const { results } = await api.post("/products/bulk", { products }, bulkSchema);
  return results.map((result) => {
    if (result.id === undefined) {
      throw new Error(`product ${plans[result.index]?.sku} was refused: ${JSON.stringify(result.errors)}`);
    }
    return result.id;
  });
}
