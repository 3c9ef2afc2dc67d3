import { each, type Sql, sql } from "../../platform/sql.ts";

/** What one commit adds to the history of the orders that it won. */
export interface NewHistory {
  orders: { id: string; from: string | null; reason: string | null; actor: string }[];
  /** The commit's stamp: an order that does not carry it was not won, and gets no line. */
  stamp: string;
  /** The command's operation id, by which a repeat recognises its own effect. */
  operation: string | null;
}

/** Writes who, when, from, to and why, with a snapshot of the order as the commit leaves it. */
export const writeHistory = ({ orders, stamp, operation }: NewHistory): Sql => sql`
  INSERT INTO order_history (order_id, version, from_status, to_status, at, actor, reason, operation, snapshot)
  SELECT o.id, o.version, row.value ->> 'from', o.status, o.updated_at, row.value ->> 'actor', row.value ->> 'reason', ${operation},
    json_object('status', o.status, 'payment_status', o.payment_status, 'total', o.total,
      'currency', o.currency, 'expires_at', o.expires_at, 'items',
      (SELECT json_group_array(json_object('product_id', i.product_id, 'quantity', i.quantity,
         'allocations', json(i.allocations)) ORDER BY i.line) FROM order_items AS i WHERE i.order_id = o.id))
  FROM ${each(orders)} AS row JOIN orders AS o ON o.id = row.value ->> 'id' AND o.stamp = ${stamp}`;
