import { env } from "cloudflare:workers";
import { foldRows } from "../../../src/catalog/search/fold-rows.ts";
import { prefixed, systemIds } from "../../../src/platform/ids.ts";
import { testClock } from "../../support/clock.ts";

export interface GivenProduct {
  title: string;
  /** The name of one that is there, or is made. */
  category?: string;
  description?: string;
  /** Minor units. */
  price?: number;
  active?: boolean;
  /** Its id unless given. */
  sku?: string;
  /** Available, by store. */
  stock?: Record<string, number>;
}

/** Stores with these ids, for searches that name them. */
export const givenStores = (ids: string[]) =>
  env.DB.prepare(
    `INSERT INTO stores (id, name, address, country, priority, version, created_at, updated_at)
     SELECT value, value, '', 'NL', 1, 1, 0, 0 FROM json_each(?1)`,
  )
    .bind(JSON.stringify(ids))
    .run();

/**
 * Puts products straight into D1, each a millisecond newer than the one before it. Returns their ids.
 * @param folded false: as of a shop from before, to which the fold has not come yet
 */
export async function givenProducts(
  products: GivenProduct[],
  { folded = true }: { folded?: boolean } = {},
): Promise<string[]> {
  const rows = products
    .map((product, index) => ({ id: prefixed("prd", systemIds.next()), product, index }))
    .map(({ id, product, index }) => ({
      id,
      sku: id,
      category: "Things",
      description: "",
      price: 1999,
      active: true,
      at: testClock.now() - products.length + index,
      ...product,
    }));
  const levels = rows.flatMap(({ id, stock }) =>
    Object.entries(stock ?? {}).map(([store, available]) => ({ id, store, available })),
  );
  const categories = [...new Set(rows.map(({ category }) => category))];
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO categories (id, name, description, version, created_at, updated_at)
       SELECT 'cat_' || lower(hex(value)), value, '', 1, 0, 0 FROM json_each(?1)
       WHERE lower(value) NOT IN (SELECT lower(name) FROM categories)`,
    ).bind(JSON.stringify(categories)),
    env.DB.prepare(
      `INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active,
         attributes, version, created_at, updated_at)
       SELECT value ->> 'id', value ->> 'sku', value ->> 'title', value ->> 'description',
         (SELECT id FROM categories WHERE lower(name) = lower(value ->> 'category')), value ->> 'price', 'USD', 10,
         value ->> 'active', '{}', 1, value ->> 'at', value ->> 'at'
       FROM json_each(?1)`,
    ).bind(JSON.stringify(rows)),
    env.DB.prepare(
      `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
       SELECT value ->> 'id', value ->> 'store', value ->> 'available', 0, value ->> 'available', 0, 0, 0
       FROM json_each(?1)`,
    ).bind(JSON.stringify(levels)),
  ]);
  if (folded) await foldRows({ env });
  return rows.map(({ id }) => id);
}
