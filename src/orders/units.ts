import { isLiving } from "./lifecycle.ts";
import type { Order, OrderItem } from "./order.ts";

const sum = (item: OrderItem, count: (allocation: OrderItem["allocations"][number]) => number): number =>
  item.allocations.reduce((total, allocation) => total + count(allocation), 0);

/** Units of an item that have left. */
export const shippedUnits = (item: OrderItem): number => sum(item, ({ shipped }) => shipped);

/** Units of an item that are still to leave. */
export const unitsLeft = (item: OrderItem): number =>
  sum(item, ({ quantity, shipped }) => quantity - shipped);

/**
 * Units that were ordered and will never leave, since what was left of the order was closed: that takes them off the
 * allocations, and what was ordered stays written. A rejected order was never given any.
 */
export const closedUnits = (order: Pick<Order, "status">, item: OrderItem): number =>
  order.status === "rejected" ? 0 : item.quantity - sum(item, ({ quantity }) => quantity);

/**
 * What an order is to be paid with, in minor units of its currency: its total, less what units that were closed would
 * have cost.
 */
export const dueFor = (order: Pick<Order, "status" | "total" | "items">): number =>
  order.items.reduce((due, item) => due - item.unitPrice * closedUnits(order, item), order.total);

/**
 * What the shop has of an order's money and does not give back. Before anything was captured it is what is to be paid, which
 * for a dead order is nothing.
 */
export function keptOf(order: Pick<Order, "status" | "total" | "items" | "captured" | "refunded">): number {
  if (order.captured > 0) return order.captured - order.refunded;
  return isLiving(order.status) ? dueFor(order) : 0;
}

export const hasShipped = (order: Order): boolean => order.items.some((item) => shippedUnits(item) > 0);
