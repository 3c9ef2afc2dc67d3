import { isoStamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { COUNT_LIMIT, decodeCursor, type List, pageWindow, toList } from "../platform/pagination.ts";
import type { InventoryQuery, InventoryRow } from "./schemas.ts";

interface Row extends Omit<InventoryRow, "updated_at"> {
  updated_at: number;
}

interface Condition {
  sql: string;
  parameters: (string | number)[];
}

/**
 * The projection, one row for each product and store; a hint, never what decides. By product, except for low stock:
 * the scarcest first, as its index has them. One D1 batch.
 */
export async function listInventory(
  { env, clock }: Context,
  query: InventoryQuery,
): Promise<List<InventoryRow> & { as_of: string }> {
  const order = query.low_stock
    ? "levels.available, levels.product_id, levels.store_id"
    : "levels.product_id, levels.store_id";
  const matching = conditionsOf(query);
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const past = cursor ? [pastCursor(order, query.low_stock, cursor.key, cursor.id)] : [];
  const { limit, offset } = pageWindow(query);

  const page = env.DB.prepare(
    `SELECT levels.product_id, products.sku, products.title AS product_title, levels.store_id,
       stores.name AS store_name, levels.on_hand, levels.reserved, levels.available,
       products.low_stock_threshold, levels.updated_at
     FROM stock_levels AS levels
     CROSS JOIN products ON products.id = levels.product_id
     CROSS JOIN stores ON stores.id = levels.store_id
     WHERE ${allOf([...matching, ...past])} ORDER BY ${order} LIMIT ? OFFSET ?`,
  ).bind(...parametersOf([...matching, ...past]), limit, offset);
  const count = env.DB.prepare(
    `SELECT count(*) AS counted FROM (
       SELECT 1 FROM stock_levels AS levels CROSS JOIN products ON products.id = levels.product_id
       WHERE ${allOf(matching)} LIMIT ${COUNT_LIMIT + 1})`,
  ).bind(...parametersOf(matching));

  const results = await env.DB.batch(cursor ? [page] : [page, count]);
  const counted = cursor ? null : (rowsOf<{ counted: number }>(results, 1)[0]?.counted ?? 0);
  const list = toList(
    query,
    rowsOf<Row>(results, 0),
    counted,
    (row) => ({ key: query.low_stock ? row.available : 0, id: `${row.product_id}/${row.store_id}` }),
    (row): InventoryRow => ({ ...row, updated_at: isoStamp(row.updated_at) }),
  );
  return { as_of: isoStamp(clock.now()), ...list };
}

function conditionsOf({ low_stock, out_of_stock, store_id }: InventoryQuery): Condition[] {
  const conditions: Condition[] = [{ sql: "true", parameters: [] }];
  if (store_id !== undefined) conditions.push({ sql: "levels.store_id = ?", parameters: [store_id] });
  if (low_stock) {
    // The largest threshold of all bounds the walk along the index, where most of the stock lies beyond it.
    conditions.push({
      sql: `levels.available BETWEEN ? AND (SELECT max(low_stock_threshold) FROM products)
        AND levels.available <= products.low_stock_threshold`,
      parameters: [out_of_stock ? 0 : 1],
    });
  } else if (out_of_stock) {
    conditions.push({ sql: "levels.available = 0", parameters: [] });
  }
  return conditions;
}

function pastCursor(order: string, byAvailable: boolean, key: string | number, id: string): Condition {
  const [productId = "", storeId = ""] = id.split("/");
  return byAvailable
    ? { sql: `(${order}) > (?, ?, ?)`, parameters: [key, productId, storeId] }
    : { sql: `(${order}) > (?, ?)`, parameters: [productId, storeId] };
}

const allOf = (conditions: Condition[]): string => conditions.map(({ sql }) => sql).join(" AND ");
const parametersOf = (conditions: Condition[]) => conditions.flatMap(({ parameters }) => parameters);
