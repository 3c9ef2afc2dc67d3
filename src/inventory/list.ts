import { isoStamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { decodeCursor, type List, pageWindow, toList } from "../platform/pagination.ts";
import type { Condition } from "../platform/read-page.ts";
import type { InventoryQuery, InventoryRow } from "./schemas.ts";

interface Row extends Omit<InventoryRow, "updated_at"> {
  updated_at: number;
}

const BY_PRODUCT = "levels.product_id, levels.store_id";
/** As the indexes of what is scarce have it. */
const SCARCEST_FIRST = `levels.available, ${BY_PRODUCT}`;

/**
 * The projection, one row for each product and store; a hint, never what decides. By product, except for what is low or
 * out of stock: the scarcest first, archived products left out. One D1 batch; what is counted is counted beforehand.
 */
export async function listInventory(
  { env, clock }: Context,
  query: InventoryQuery,
): Promise<List<InventoryRow> & { as_of: string }> {
  const isScarce = query.low_stock || query.out_of_stock;
  const order = isScarce ? SCARCEST_FIRST : BY_PRODUCT;
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const conditions = [
    ...conditionsOf(query, cursor !== null),
    ...(cursor ? [pastCursor(order, isScarce, cursor.key, cursor.id)] : []),
  ];
  const { limit, offset } = pageWindow(query);

  const page = env.DB.prepare(
    `SELECT levels.product_id, products.sku, products.title AS product_title, levels.store_id,
       stores.name AS store_name, levels.on_hand, levels.reserved, levels.available,
       products.low_stock_threshold, levels.updated_at
     FROM stock_levels AS levels
     CROSS JOIN products ON products.id = levels.product_id
     CROSS JOIN stores ON stores.id = levels.store_id
     WHERE ${conditions.map(({ sql }) => sql).join(" AND ")} ORDER BY ${order} LIMIT ? OFFSET ?`,
  ).bind(...conditions.flatMap(({ parameters }) => parameters), limit, offset);

  const results = await env.DB.batch(cursor ? [page] : [page, countOf(env.DB, query)]);
  const counted = cursor ? null : (rowsOf<{ counted: number }>(results, 1)[0]?.counted ?? 0);
  const list = toList(
    query,
    rowsOf<Row>(results, 0),
    counted,
    (row) => ({ key: isScarce ? row.available : 0, id: `${row.product_id}/${row.store_id}` }),
    (row): InventoryRow => ({ ...row, updated_at: isoStamp(row.updated_at) }),
  );
  return { as_of: isoStamp(clock.now()), ...list };
}

/**
 * In the words of the partial indexes, which a query must repeat to be led by them. What is low begins after what is
 * out, or where its cursor says: given both, SQLite would go by the one that is nearer to the beginning.
 */
function conditionsOf(
  { low_stock, out_of_stock, store_id }: InventoryQuery,
  isPastCursor: boolean,
): Condition[] {
  const conditions: Condition[] = [{ sql: "true", parameters: [] }];
  if (store_id !== undefined) conditions.push({ sql: "levels.store_id = ?", parameters: [store_id] });
  if (low_stock && out_of_stock) {
    conditions.push({ sql: "(levels.state = 'low' OR levels.state = 'out')", parameters: [] });
  } else if (low_stock) {
    const begin = isPastCursor ? "" : " AND levels.available > 0";
    conditions.push({ sql: `levels.state = 'low'${begin}`, parameters: [] });
  } else if (out_of_stock) {
    conditions.push({ sql: "levels.state = 'out' AND levels.available <= 0", parameters: [] });
  }
  return conditions;
}

function countOf(db: D1Database, { low_stock, out_of_stock, store_id }: InventoryQuery): D1PreparedStatement {
  const counts = [...(low_stock ? ["low_stock"] : []), ...(out_of_stock ? ["out_of_stock"] : [])];
  const counted = counts.length === 0 ? "levels" : counts.join(" + ");
  const select = `SELECT coalesce(sum(${counted}), 0) AS counted FROM store_stock`;
  return store_id === undefined
    ? db.prepare(select)
    : db.prepare(`${select} WHERE store_id = ?`).bind(store_id);
}

function pastCursor(order: string, isScarce: boolean, key: string | number, id: string): Condition {
  const [productId = "", storeId = ""] = id.split("/");
  return isScarce
    ? { sql: `(${order}) > (?, ?, ?)`, parameters: [key, productId, storeId] }
    : { sql: `(${order}) > (?, ?)`, parameters: [productId, storeId] };
}
