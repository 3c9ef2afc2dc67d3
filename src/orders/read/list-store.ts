import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { formatMoney } from "../../platform/money.ts";
import {
  COUNT_LIMIT_ROWS,
  decodeCursor,
  type List,
  type PageQuery,
  pageWindow,
  toList,
} from "../../platform/pagination.ts";
import { batch, constant, type Sql, sql } from "../../platform/sql.ts";
import type { OrderStatus } from "../lifecycle.ts";
import type { StoreOrder } from "../schemas.ts";

interface Row {
  id: string;
  reference: string;
  status: OrderStatus;
  created_at: number;
  currency: string;
  total: number;
  total_items: number;
}

/**
 * Orders that take stock from a store, or took it, newest first: ids are ordered by time. One D1 batch; null when there
 * is no such store.
 */
export async function listStoreOrders(
  { env }: Context,
  storeId: string,
  query: PageQuery,
): Promise<List<StoreOrder> | null> {
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const { page, store, count } = await batch(env.DB, {
    page: sql<Row>`
      SELECT o.id, o.reference, o.status, o.created_at, o.currency, o.total, o.total_items
      FROM order_stores AS s CROSS JOIN orders AS o ON o.id = s.order_id
      WHERE s.store_id = ${storeId} AND ${cursor ? sql`s.order_id < ${cursor.id}` : sql`true`}
      ORDER BY s.order_id DESC LIMIT ${limit} OFFSET ${offset}`,
    store: sql`SELECT 1 FROM stores WHERE id = ${storeId}`,
    count: cursor ? undefined : countOf(storeId),
  });
  if (store.length === 0) return null;
  return toList(
    query,
    page,
    cursor ? null : (count[0]?.counted ?? 0),
    (row) => ({ key: 0, id: row.id }),
    (row) => ({
      id: row.id,
      reference: row.reference,
      status: row.status,
      created_at: isoTimestamp(row.created_at),
      total_items: row.total_items,
      total: formatMoney({ amount: row.total, currency: row.currency }),
    }),
  );
}

const countOf = (storeId: string): Sql<{ counted: number }> => sql`
  SELECT count(*) AS counted FROM (
    SELECT 1 FROM order_stores WHERE store_id = ${storeId} LIMIT ${constant(COUNT_LIMIT_ROWS + 1)})`;
