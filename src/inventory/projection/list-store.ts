import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { formatMoney } from "../../platform/money.ts";
import { decodeCursor, type List, type PageQuery, pageWindow, toList } from "../../platform/pagination.ts";
import { batch, nothing, sql } from "../../platform/sql.ts";
import type { StoreInventoryRow } from "../schemas.ts";

interface Row extends Omit<StoreInventoryRow, "updated_at" | "price"> {
  price: number;
  currency: string;
  updated_at: number;
}

/**
 * What a store has of each product on sale, by title as people sort (sortKey), from the projection; null when there is no such store.
 * Each level carries its product's title, so that an index by store and title serves the list. A cursor names the last
 * product of the page before; the next page starts after that product's title as it is by then.
 */
export async function listStoreInventory(
  { env }: Context,
  storeId: string,
  query: PageQuery,
): Promise<List<StoreInventoryRow> | null> {
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const past = cursor
    ? sql`AND (sort_title, product_id) > (
        (SELECT coalesce(title_key, lower(title)) FROM products WHERE id = ${cursor.id}), ${cursor.id})`
    : nothing;
  const {
    page,
    store: [store],
  } = await batch(env.DB, {
    // The inner SELECT reads the index alone, so the rows that a far page skips cost little.
    page: sql<Row>`
      SELECT page.product_id, products.title AS product_title, products.price, products.currency,
        categories.name AS category_name, levels.on_hand AS quantity, levels.available, levels.updated_at
      FROM (SELECT sort_title, product_id FROM stock_levels
        WHERE store_id = ${storeId} AND sort_title IS NOT NULL ${past}
        ORDER BY sort_title, product_id LIMIT ${limit} OFFSET ${offset}) AS page
      CROSS JOIN stock_levels AS levels ON levels.product_id = page.product_id AND levels.store_id = ${storeId}
      CROSS JOIN products ON products.id = page.product_id
      CROSS JOIN categories ON categories.id = products.category_id
      ORDER BY page.sort_title, page.product_id`,
    store: sql<{ counted: number }>`
      SELECT coalesce(stock.products, 0) AS counted
      FROM stores LEFT JOIN store_stock AS stock ON stock.store_id = stores.id
      WHERE stores.id = ${storeId}`,
  });
  if (!store) return null;
  return toList(
    query,
    page,
    cursor ? null : store.counted,
    (row) => ({ key: 0, id: row.product_id }),
    ({ price: amount, currency, ...row }) => ({
      ...row,
      price: formatMoney({ amount, currency }),
      updated_at: isoTimestamp(row.updated_at),
    }),
  );
}
