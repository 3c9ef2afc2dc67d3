import { isoStamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { formatMoney } from "../platform/money.ts";
import { decodeCursor, type List, type PageQuery, pageWindow, toList } from "../platform/pagination.ts";
import type { Order } from "./order.ts";

interface HistoryRow {
  version: number;
  from_status: string | null;
  to_status: string;
  at: number;
  actor: string;
  reason: string | null;
  snapshot: string;
}

interface Snapshot {
  status: string;
  payment_status: string;
  total: number;
  currency: string;
  expires_at: number | null;
  items: { product_id: string; quantity: number; allocations: unknown[] }[];
}

/** Every version of an order, oldest first: who, when, from, to, why, and what it looked like then. */
export async function listHistory(context: Context, order: Order, query: PageQuery) {
  const { limit, offset } = pageWindow(query);
  const after = query.cursor === undefined ? 0 : Number(decodeCursor(query.cursor)?.key ?? 0);
  const results = await context.env.DB.batch([
    context.env.DB.prepare(
      `SELECT version, from_status, to_status, at, actor, reason, snapshot FROM order_history
       WHERE order_id = ?1 AND version > ?2 ORDER BY version LIMIT ?3 OFFSET ?4`,
    ).bind(order.id, after, limit, offset),
    context.env.DB.prepare("SELECT count(*) AS counted FROM order_history WHERE order_id = ?1").bind(
      order.id,
    ),
  ]);
  const counted = rowsOf<{ counted: number }>(results, 1)[0]?.counted ?? 0;
  return toList(
    query,
    rowsOf<HistoryRow>(results, 0),
    counted,
    (row) => ({ key: row.version, id: order.id }),
    renderHistory,
  ) satisfies List<ReturnType<typeof renderHistory>>;
}

function renderHistory(row: HistoryRow) {
  const { total, currency, expires_at, ...snapshot } = JSON.parse(row.snapshot) as Snapshot;
  return {
    version: row.version,
    from: row.from_status as Order["status"] | null,
    to: row.to_status as Order["status"],
    at: isoStamp(row.at),
    actor: row.actor,
    reason: row.reason,
    snapshot: {
      ...snapshot,
      total: formatMoney({ amount: total, currency }),
      expires_at: expires_at === null ? null : isoStamp(expires_at),
    },
  };
}

/** Whether a command has changed this order before: by its operation id, a repeat recognises its own effect. */
export async function wasMadeBy(context: Context, orderId: string, operation: string): Promise<boolean> {
  const row = await context.env.DB.prepare(
    "SELECT version FROM order_history WHERE order_id = ?1 AND operation = ?2",
  )
    .bind(orderId, operation)
    .first();
  return row !== null;
}
