import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { type Cursor, decodeCursor, type List, pageWindow, toList } from "../../platform/pagination.ts";
import { allOf, batch, joined, type Sql, sql, trusted } from "../../platform/sql.ts";
import type { InventoryQuery, InventoryRow } from "../schemas.ts";
import { asOf, PROJECTION_TIME } from "./projection.ts";

interface Row extends Omit<InventoryRow, "updated_at"> {
  updated_at: number;
}

const BY_PRODUCT = sql`levels.product_id, levels.store_id`;
/** The order of the indexes of what is scarce. */
const SCARCEST_FIRST = sql`levels.available, ${BY_PRODUCT}`;

/**
 * Lists the projection, one row for each product and store, by product. What is low or out of stock is listed the scarcest
 * first and without archived products. One D1 batch; the count comes from counters that triggers keep. Null when there is
 * no such store.
 */
export async function listInventory(
  { env }: Context,
  query: InventoryQuery,
): Promise<(List<InventoryRow> & { as_of: string | null }) | null> {
  const isScarce = query.low_stock || query.out_of_stock;
  const order = isScarce ? SCARCEST_FIRST : BY_PRODUCT;
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const conditions = [
    ...conditionsOf(query, cursor !== null),
    ...(cursor ? [pastCursor(isScarce, cursor)] : []),
  ];
  const { limit, offset } = pageWindow(query);

  const { page, counts, store, time } = await batch(env.DB, {
    page: sql<Row>`SELECT levels.product_id, products.sku, products.title AS product_title, levels.store_id,
       stores.name AS store_name, levels.on_hand, levels.reserved, levels.available,
       products.low_stock_threshold, levels.updated_at
     FROM stock_levels AS levels
     CROSS JOIN products ON products.id = levels.product_id
     CROSS JOIN stores ON stores.id = levels.store_id
     WHERE ${allOf(conditions)} ORDER BY ${order} LIMIT ${limit} OFFSET ${offset}`,
    counts: cursor ? undefined : countOf(query),
    store: query.store_id === undefined ? undefined : sql`SELECT 1 FROM stores WHERE id = ${query.store_id}`,
    time: PROJECTION_TIME,
  });
  if (query.store_id !== undefined && store.length === 0) return null;
  const list = toList(
    query,
    page,
    cursor ? null : (counts[0]?.counted ?? 0),
    (row) => ({ key: isScarce ? row.available : 0, id: `${row.product_id}/${row.store_id}` }),
    (row): InventoryRow => ({ ...row, updated_at: isoTimestamp(row.updated_at) }),
  );
  return { as_of: asOf(time[0]?.told), ...list };
}

/**
 * Repeats the conditions of the partial indexes word for word, or SQLite would not use them. The list of what is low starts
 * after what is out, or at its cursor. The statement gets either that
 * start or the cursor, since of two conditions SQLite would take the earlier one to start from.
 */
function conditionsOf({ low_stock, out_of_stock, store_id }: InventoryQuery, isPastCursor: boolean): Sql[] {
  const conditions: Sql[] = [];
  if (store_id !== undefined) conditions.push(sql`levels.store_id = ${store_id}`);
  if (low_stock && out_of_stock) {
    conditions.push(sql`(levels.state = 'low' OR levels.state = 'out')`);
  } else if (low_stock) {
    conditions.push(sql`levels.state = 'low'`);
    if (!isPastCursor) conditions.push(sql`levels.available > 0`);
  } else if (out_of_stock) {
    conditions.push(sql`levels.state = 'out' AND levels.available <= 0`);
  }
  return conditions;
}

function countOf({ low_stock, out_of_stock, store_id }: InventoryQuery): Sql<{ counted: number }> {
  const counts = [...(low_stock ? ["low_stock"] : []), ...(out_of_stock ? ["out_of_stock"] : [])];
  const counted = counts.length === 0 ? trusted("levels") : joined(counts.map(trusted), " + ");
  const all = sql<{ counted: number }>`SELECT coalesce(sum(${counted}), 0) AS counted FROM store_stock`;
  return store_id === undefined ? all : sql`${all} WHERE store_id = ${store_id}`;
}

function pastCursor(isScarce: boolean, { key, id }: Cursor): Sql {
  const [productId = "", storeId = ""] = id.split("/");
  return isScarce
    ? sql`(${SCARCEST_FIRST}) > (${key}, ${productId}, ${storeId})`
    : sql`(${BY_PRODUCT}) > (${productId}, ${storeId})`;
}
