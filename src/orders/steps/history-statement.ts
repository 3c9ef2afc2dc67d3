import { each, type Sql, sql, trusted } from "../../platform/sql.ts";
import type { HistoryKind } from "../lifecycle.ts";

/** What one commit adds to the history of the orders that it won. */
export interface NewHistory {
  orders: { id: string; from: string; reason: string | null; actor: string }[];
  /** The commit's stamp: an order that does not carry it was not won, and gets no line. */
  stamp: string;
  /** The command's operation id, by which a repeat recognises its own effect. */
  operation: string | null;
  kind: HistoryKind;
  /** What the snapshot has besides. */
  more: Record<string, unknown>;
}

/** What history keeps of an order as it stands. @param order its name in the statement */
export const snapshotOf = (order: "o" | "orders"): Sql => {
  const o = trusted(order);
  return sql`json_object('status', ${o}.status, 'payment_status', ${o}.payment_status, 'total', ${o}.total,
      'currency', ${o}.currency, 'expires_at', ${o}.expires_at, 'items',
      (SELECT json_group_array(json_object('product_id', i.product_id, 'quantity', i.quantity,
         'allocations', json(i.allocations)) ORDER BY i.line) FROM order_items AS i WHERE i.order_id = ${o}.id))`;
};

/**
 * What the statement that wins an order keeps in it of its first version, which has no row of history: for `writeHistory`,
 * which runs when the order has changed. From the next step on the order need not carry it.
 */
export const KEEP_FIRST_VERSION = sql`
  placed_as = CASE WHEN orders.version = 1 AND orders.placed_by IS NOT NULL THEN ${snapshotOf("orders")} END`;

/** Writes who, when, from, to and why, with a snapshot of the order as the commit leaves it. */
export const writeHistory = ({ orders, stamp, operation, kind, more }: NewHistory): Sql => sql`
  INSERT INTO order_history (order_id, version, from_status, to_status, at, actor, reason, operation, snapshot, placed_as,
    kind)
  SELECT o.id, o.version, row.value ->> 'from', o.status, o.updated_at, row.value ->> 'actor', row.value ->> 'reason', ${operation},
    ${Object.entries(more).reduce(withMore, snapshotOf("o"))}, o.placed_as, ${kind}
  FROM ${each(orders)} AS row JOIN orders AS o ON o.id = row.value ->> 'id' AND o.stamp = ${stamp}`;

const withMore = (snapshot: Sql, [name, value]: [string, unknown]): Sql =>
  sql`json_insert(${snapshot}, ${`$.${name}`}, json(${JSON.stringify(value)}))`;
