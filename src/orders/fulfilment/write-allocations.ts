import { jsonParameter } from "../../platform/d1.ts";
import type { OrderItem } from "../order.ts";

/** For a step's batch, after the order was won: what its items hold and have shipped from now on. */
export function writeAllocations(
  db: D1Database,
  orderId: string,
  items: OrderItem[],
  nonce: string,
): D1PreparedStatement {
  const rows = items.map(({ productId, allocations }) => ({ productId, allocations }));
  return db
    .prepare(
      `UPDATE order_items SET allocations = row.value -> 'allocations' FROM json_each(?1) AS row
       WHERE order_items.order_id = ?2 AND order_items.product_id = row.value ->> 'productId'
         AND EXISTS (SELECT 1 FROM orders AS o WHERE o.id = ?2 AND o.stamp = ?3)`,
    )
    .bind(jsonParameter(rows), orderId, nonce);
}
