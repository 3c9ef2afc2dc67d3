import { GUEST, may } from "../../platform/actor.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { formatMoney } from "../../platform/money.ts";
import { decodeCursor, type List, type PageQuery, pageWindow, toList } from "../../platform/pagination.ts";
import { batch, first, sql } from "../../platform/sql.ts";
import type { HistoryKind } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import { snapshotOf } from "../steps/history-statement.ts";

interface HistoryRow {
  version: number;
  from_status: string | null;
  to_status: string;
  at: number;
  actor: string;
  reason: string | null;
  kind: HistoryKind;
  snapshot: string;
}

/** More stands in some: of a change of address, both addresses. */
interface Snapshot {
  status: string;
  payment_status: string;
  total: number;
  currency: string;
  expires_at: number | null;
  items: { product_id: string; quantity: number; allocations: unknown[] }[];
}

/**
 * The first version of an order, as a row of history: from the order itself while it stands there, and from then on from
 * the row of its second. So it goes when that goes. Orders from before, which have no `placed_by`, have a row for it.
 */
const FIRST_VERSION = sql`
  SELECT 1 AS version, NULL AS from_status, coalesce(h.placed_as, ${snapshotOf("o")}) AS snapshot, o.created_at AS at,
    o.placed_by AS actor, NULL AS reason, 'transition' AS kind
  FROM orders AS o LEFT JOIN order_history AS h ON h.order_id = o.id AND h.version = 2
  WHERE o.placed_by IS NOT NULL AND (o.version = 1 OR h.version = 2)`;

/** What made a version whose row is from before it was written there. */
const KIND = sql`coalesce(h.kind, CASE
  WHEN EXISTS (SELECT 1 FROM shipments AS s WHERE s.order_id = h.order_id AND s.order_version = h.version) THEN 'shipment'
  WHEN EXISTS (SELECT 1 FROM returns AS r WHERE r.order_id = h.order_id AND r.order_version = h.version) THEN 'return'
  WHEN h.from_status = 'processing' AND h.to_status = 'shipped' THEN 'close'
  WHEN h.from_status IS NOT h.to_status THEN 'transition'
  WHEN h.snapshot ->> 'payment_status' IN ('refund_due', 'partially_refunded', 'refunded') THEN 'refund'
  ELSE 'payment' END)`;

/** Every version of an order, oldest first: who, when, from, to, why, and what it looked like then. */
export async function listHistory(context: Context, order: Order, query: PageQuery) {
  const { limit, offset } = pageWindow(query);
  const after = query.cursor === undefined ? 0 : Number(decodeCursor(query.cursor)?.key ?? 0);
  const lines = sql`(
      SELECT h.version, h.from_status, h.to_status, h.at, h.actor, h.reason, ${KIND} AS kind, h.snapshot
      FROM order_history AS h WHERE h.order_id = ${order.id}
      UNION ALL SELECT version, from_status, snapshot ->> 'status', at, actor, reason, kind, snapshot
      FROM (${FIRST_VERSION} AND o.id = ${order.id}))`;
  const { page, count } = await batch(context.env.DB, {
    page: sql<HistoryRow>`
      SELECT version, from_status, to_status, at, actor, reason, kind, snapshot FROM ${lines}
      WHERE version > ${after} ORDER BY version LIMIT ${limit} OFFSET ${offset}`,
    count: sql<{ counted: number }>`SELECT count(*) AS counted FROM ${lines}`,
  });
  return toList(
    query,
    page,
    count[0]?.counted ?? 0,
    (row) => ({ key: row.version, id: order.id }),
    (row) => (may(context.actor, "orders:read") ? renderHistory(row) : asToldTo(order, renderHistory(row))),
  ) satisfies List<ReturnType<typeof renderHistory>>;
}

/**
 * What a buyer is told of a version: not which of the shop's people made it, nor what they noted. A reason of the system tells
 * why a step was made; of a refund it may be a person's words.
 */
function asToldTo({ userId }: Order, version: ReturnType<typeof renderHistory>) {
  const { actor, kind } = version;
  if (actor === GUEST.name || actor === userId) return { ...version, actor: "you" };
  const isSystem = actor.startsWith("system:");
  return {
    ...version,
    actor: isSystem ? "system" : "shop",
    reason: isSystem && kind === "transition" ? version.reason : null,
  };
}

function renderHistory(row: HistoryRow) {
  const { total, currency, expires_at, ...snapshot } = JSON.parse(row.snapshot) as Snapshot;
  return {
    version: row.version,
    from: row.from_status as Order["status"] | null,
    to: row.to_status as Order["status"],
    at: isoTimestamp(row.at),
    actor: row.actor,
    reason: row.reason,
    kind: row.kind,
    snapshot: {
      ...snapshot,
      total: formatMoney({ amount: total, currency }),
      expires_at: expires_at === null ? null : isoTimestamp(expires_at),
    },
  };
}

/** Whether a command has changed this order before: by its operation id, a repeat recognises its own effect. */
export async function wasMadeBy({ env }: Context, orderId: string, operation: string): Promise<boolean> {
  const made = sql`SELECT version FROM order_history WHERE order_id = ${orderId} AND operation = ${operation}`;
  return (await first(env.DB, made)) !== null;
}
