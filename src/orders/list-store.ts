import { isoStamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { formatMoney } from "../platform/money.ts";
import {
  COUNT_LIMIT,
  decodeCursor,
  type List,
  type PageQuery,
  pageWindow,
  toList,
} from "../platform/pagination.ts";
import type { OrderStatus } from "./lifecycle.ts";
import type { StoreOrder } from "./schemas.ts";

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
  const results = await env.DB.batch([
    env.DB.prepare(
      `SELECT o.id, o.reference, o.status, o.created_at, o.currency, o.total, o.total_items
       FROM order_stores AS s CROSS JOIN orders AS o ON o.id = s.order_id
       WHERE s.store_id = ?1 AND ${cursor ? "s.order_id < ?2" : "?2 IS NULL"}
       ORDER BY s.order_id DESC LIMIT ?3 OFFSET ?4`,
    ).bind(storeId, cursor?.id ?? null, limit, offset),
    env.DB.prepare("SELECT 1 FROM stores WHERE id = ?1").bind(storeId),
    ...(cursor ? [] : [countOf(env.DB, storeId)]),
  ]);
  if (rowsOf(results, 1).length === 0) return null;
  return toList(
    query,
    rowsOf<Row>(results, 0),
    cursor ? null : (rowsOf<{ counted: number }>(results, 2)[0]?.counted ?? 0),
    (row) => ({ key: 0, id: row.id }),
    (row) => ({
      id: row.id,
      reference: row.reference,
      status: row.status,
      created_at: isoStamp(row.created_at),
      total_items: row.total_items,
      total: formatMoney({ amount: row.total, currency: row.currency }),
    }),
  );
}

const countOf = (db: D1Database, storeId: string): D1PreparedStatement =>
  db
    .prepare(
      `SELECT count(*) AS counted FROM (
         SELECT 1 FROM order_stores WHERE store_id = ?1 LIMIT ${COUNT_LIMIT + 1})`,
    )
    .bind(storeId);
