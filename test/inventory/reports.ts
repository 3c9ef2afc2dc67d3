import { env } from "cloudflare:workers";
import { applyReports } from "../../src/inventory/projection/projection.ts";
import type { StockReport } from "../../src/inventory/stock-types.ts";
import { testContext } from "../events/context.ts";
import { givenCatalog } from "../support/catalog.ts";

/** A context in which no object hears that its report has come: here nobody has sent one. */
export const unheard = () => {
  const STOCK = { idFromName: () => null, get: () => ({ reported: async () => {} }) };
  return testContext({ env: { ...env, STOCK } as unknown as Cloudflare.Env });
};

let version = 0;

/** A report of one product, newer than all before it: what is available in each store. None of it is reserved. */
export const reportOf = (productId: string, levels: Record<string, number>): StockReport => {
  version += 1;
  return {
    productId,
    epoch: 1,
    version,
    at: 1_800_000_000_000 + version,
    levels: Object.entries(levels).map(([storeId, onHand]) => ({ storeId, onHand, reserved: 0, version })),
  };
};

/** Brings the projection to these numbers, one report a product, each by itself. */
export async function report(...news: [productId: string, levels: Record<string, number>][]): Promise<void> {
  for (const [productId, levels] of news) await applyReports(unheard(), [reportOf(productId, levels)]);
}

/** A catalogue and its projection: `levels[p][s]` available of product p in store s; null: never stocked. */
export async function givenLevels(
  levels: (number | null)[][],
  catalog: Omit<Parameters<typeof givenCatalog>[0] & object, "products" | "stores"> = {},
) {
  const stores = Math.max(...levels.map((row) => row.length));
  const given = await givenCatalog({ ...catalog, products: levels.length, stores });
  const reports = given.productIds.map((productId, product) =>
    reportOf(
      productId,
      Object.fromEntries(
        (levels[product] ?? []).flatMap((available, store) =>
          available === null ? [] : [[given.storeIds[store], available]],
        ),
      ),
    ),
  );
  await applyReports(unheard(), reports);
  return given;
}

/** Products `prd_0` and so on, in no category. */
export const givenProducts = (count: number) =>
  env.DB.prepare(
    `INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active,
       attributes, version, created_at, updated_at) WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
     SELECT 'prd_' || i, 'S' || i, 'T', '', 'cat_0', 5, 'USD', 10, 1, '{}', 1, 0, 0 FROM n`,
  )
    .bind(count)
    .run();

/** Many products at once, stocked in every store that there is, straight into D1; their titles go down as ids go up. */
export async function crowd(from: number, to: number, available: (column: string) => string): Promise<void> {
  const numbers = `WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})`;
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active,
         attributes, version, created_at, updated_at) ${numbers} SELECT 'prd_crowd_' || printf('%07d', i), 'C' || i,
         'Crowd ' || printf('%07d', 9999999 - i), '', c.id, 5, 'USD', 10, 1, '{}', 1, 0, 0
       FROM n JOIN (SELECT id FROM categories LIMIT 1) AS c`,
    ),
    env.DB.prepare(
      `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
       ${numbers} SELECT 'prd_crowd_' || printf('%07d', i), s.id, units, 0, units, 0, 0, 0
       FROM (SELECT i, ${available("i")} AS units FROM n) CROSS JOIN stores AS s`,
    ),
  ]);
}
