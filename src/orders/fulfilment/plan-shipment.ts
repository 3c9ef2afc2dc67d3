import type { Order, OrderAllocation, OrderItem } from "../order.ts";
import type { Units } from "../refund-due.ts";
import { unitsLeft } from "../units.ts";

export interface WantedUnits {
  productId: string;
  quantity: number;
}

/** What is to leave: all that is left, or these items; from anywhere, or from one store. */
export interface ShipmentRequest {
  items: WantedUnits[] | null;
  storeId: string | null;
}

/** Units of one product that leave one store. */
export interface ShipmentLine {
  product_id: string;
  store_id: string;
  quantity: number;
}

export type ShipmentPlan =
  | { kind: "planned"; lines: ShipmentLine[] }
  | { kind: "unknown_item"; productId: string }
  /** Nothing of the order was ever allocated there. */
  | { kind: "not_allocated"; storeId: string }
  | { kind: "more_than_left"; productId: string; requested: number; left: number }
  /** It was refunded: all that is left to ship, or more of a product than was not. */
  | { kind: "refunded"; named: { productId: string; requested: number; left: number } | null }
  | { kind: "nothing_left" };

export const ALL_THAT_IS_LEFT: ShipmentRequest = { items: null, storeId: null };

/**
 * Chooses what leaves which store; an item that lies in several is taken in the order of its allocations. Pure.
 * @param withheld units that are not to leave, since they were refunded, by product
 */
export function planShipment(
  order: Order,
  { items, storeId }: ShipmentRequest,
  withheld: Units,
): ShipmentPlan {
  const stores = order.items.flatMap((item) => item.allocations.map((allocation) => allocation.store_id));
  if (storeId !== null && !stores.includes(storeId)) return { kind: "not_allocated", storeId };

  const lines: ShipmentLine[] = [];
  for (const [productId, requested] of items === null ? everything(order, withheld) : addUp(items)) {
    const item = order.items.find((one) => one.productId === productId);
    if (!item) return { kind: "unknown_item", productId };
    const taken = takeFrom(item, storeId, requested);
    const left = taken.reduce((sum, line) => sum + line.quantity, 0);
    if (items !== null && left < requested) return { kind: "more_than_left", productId, requested, left };
    const free = unitsLeft(item) - (withheld.get(productId) ?? 0);
    if (requested > free) return { kind: "refunded", named: { productId, requested, left: free } };
    lines.push(...taken);
  }
  if (lines.length > 0) return { kind: "planned", lines };
  return withheld.size > 0 ? { kind: "refunded", named: null } : { kind: "nothing_left" };
}

const everything = (order: Order, withheld: Units): Map<string, number> =>
  new Map(order.items.map((item) => [item.productId, unitsLeft(item) - (withheld.get(item.productId) ?? 0)]));

function addUp(items: WantedUnits[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { productId, quantity } of items) units.set(productId, (units.get(productId) ?? 0) + quantity);
  return units;
}

/** As much of `requested` as is left, store by store. */
function takeFrom(item: OrderItem, storeId: string | null, requested: number): ShipmentLine[] {
  const lines: ShipmentLine[] = [];
  let wanted = requested;
  for (const { store_id, quantity, shipped } of item.allocations) {
    if (storeId !== null && store_id !== storeId) continue;
    const units = Math.min(quantity - shipped, wanted);
    if (units > 0) lines.push({ product_id: item.productId, store_id, quantity: units });
    wanted -= units;
  }
  return lines;
}

/** The items as they are when these lines have left. */
export const afterShipment = (items: OrderItem[], lines: ShipmentLine[]): OrderItem[] =>
  items.map((item) => ({
    ...item,
    allocations: item.allocations.map((allocation) => ({
      ...allocation,
      shipped: allocation.shipped + unitsOf(lines, item.productId, allocation),
    })),
  }));

const unitsOf = (lines: ShipmentLine[], productId: string, { store_id }: OrderAllocation): number =>
  lines
    .filter((line) => line.product_id === productId && line.store_id === store_id)
    .reduce((sum, line) => sum + line.quantity, 0);
