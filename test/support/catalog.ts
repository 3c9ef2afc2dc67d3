import { env } from "cloudflare:workers";
import { prefixed, systemIds } from "../../src/platform/ids.ts";
import { testClock } from "./clock.ts";

export interface GivenCatalog {
  products?: number;
  stores?: number;
  categories?: number;
  /** Minor units of `currency`; 1999 by default. */
  price?: number;
  currency?: string;
  lowStockThreshold?: number;
  active?: boolean;
}

/**
 * Puts a catalogue straight into D1, in one batch: `Store 1` (priority 1, most preferred first), `Product 1`, each a
 * millisecond newer than the one before it. Category names and skus end in a part that differs at each call.
 * Products go round the categories. No stock: that is the Stock objects' affair.
 */
export async function givenCatalog(given: GivenCatalog = {}) {
  const now = testClock.now();
  const batch = systemIds.next();
  const ids = (prefix: "cat" | "sto" | "prd", count: number) =>
    Array.from({ length: count }, () => prefixed(prefix, systemIds.next()));
  const categoryIds = ids("cat", given.categories ?? 1);
  const storeIds = ids("sto", given.stores ?? 2);
  const productIds = ids("prd", given.products ?? 2);
  const skus = productIds.map((_, index) => `SKU-${index + 1}-${batch}`);
  const insert = (table: string, rows: Record<string, unknown>[]) => {
    const columns = Object.keys(rows[0] ?? { id: "" });
    return env.DB.prepare(
      `INSERT INTO ${table} (${columns.join(", ")})
       SELECT ${columns.map((column) => `value ->> '${column}'`).join(", ")} FROM json_each(?1)`,
    ).bind(JSON.stringify(rows));
  };
  const stamps = (index: number, count: number) => {
    const at = now - count + index;
    return { version: 1, created_at: at, updated_at: at };
  };

  await env.DB.batch([
    insert(
      "categories",
      categoryIds.map((id, index) => ({
        id,
        name: `Category ${index + 1} ${batch}`,
        description: "",
        ...stamps(index, categoryIds.length),
      })),
    ),
    insert(
      "stores",
      storeIds.map((id, index) => ({
        id,
        name: `Store ${index + 1}`,
        address: `${index + 1} Main Street`,
        country: "NL",
        priority: index + 1,
        ...stamps(index, storeIds.length),
      })),
    ),
    insert(
      "products",
      productIds.map((id, index) => ({
        id,
        sku: skus[index],
        title: `Product ${index + 1}`,
        description: `What product ${index + 1} is`,
        category_id: categoryIds[index % categoryIds.length],
        price: given.price ?? 1999,
        currency: given.currency ?? "USD",
        low_stock_threshold: given.lowStockThreshold ?? 10,
        active: given.active === false ? 0 : 1,
        attributes: "{}",
        ...stamps(index, productIds.length),
      })),
    ),
  ]);
  return { categoryIds, storeIds, productIds, skus };
}
