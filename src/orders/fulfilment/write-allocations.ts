import { each, type Sql, sql } from "../../platform/sql.ts";
import type { OrderItem } from "../order.ts";
import { wonOrder } from "../steps/stamped.ts";

/**
 * Writes where the units of an order are held and how many have left, in the batch of the step that wins the order. An item
 * of which nothing changes is not written.
 */
export function writeAllocations(orderId: string, items: OrderItem[], stamp: string): Sql {
  const rows = items.map(({ productId, allocations }) => ({ productId, allocations }));
  return sql`
    UPDATE order_items SET allocations = row.value -> 'allocations' FROM ${each(rows)} AS row
    WHERE order_items.order_id = ${orderId} AND order_items.product_id = row.value ->> 'productId'
      AND order_items.allocations IS NOT row.value -> 'allocations' AND ${wonOrder(sql`${orderId}`, stamp)}`;
}
