import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { batch, sql } from "../../platform/sql.ts";
import type { Order } from "../order.ts";
import type { ReturnWire, ShipmentWire } from "../schemas.ts";
import { hasShipped } from "../units.ts";
import type { ShipmentLine } from "./plan-shipment.ts";

export interface Shipment {
  id: string;
  items: ShipmentLine[];
  tracking: string | null;
  carrier: string | null;
  createdAt: number;
}

export interface ReturnLine {
  product_id: string;
  quantity: number;
  restock: boolean;
}

export interface OrderReturn {
  id: string;
  storeId: string;
  items: ReturnLine[];
  reason: string;
  createdAt: number;
}

export interface Fulfilment {
  shipments: Shipment[];
  returns: OrderReturn[];
}

type Row<T> = Omit<T, "items"> & { items: string };

/** What of an order has left, and what came back, oldest first. Nothing is asked of an order that shipped nothing. */
export async function readFulfilment(context: Context, order: Order): Promise<Fulfilment> {
  if (!hasShipped(order)) return { shipments: [], returns: [] };
  const { shipments, returns } = await batch(context.env.DB, {
    shipments: sql<Row<Shipment>>`
      SELECT id, items, tracking, carrier, created_at AS createdAt FROM shipments
      WHERE order_id = ${order.id} ORDER BY created_at, order_version`,
    returns: sql<Row<OrderReturn>>`
      SELECT id, store_id AS storeId, items, reason, created_at AS createdAt FROM returns
      WHERE order_id = ${order.id} ORDER BY created_at, order_version`,
  });
  return {
    shipments: shipments.map((row) => ({ ...row, items: JSON.parse(row.items) })),
    returns: returns.map((row) => ({ ...row, items: JSON.parse(row.items) })),
  };
}

/** Units that came back of an order, by product. */
export async function returnedUnits(context: Context, order: Order): Promise<Map<string, number>> {
  return addedUp((await readFulfilment(context, order)).returns.flatMap(({ items }) => items));
}

/** Units by product: a product may be on several lines. */
export function addedUp(lines: { product_id: string; quantity: number }[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { product_id, quantity } of lines)
    units.set(product_id, (units.get(product_id) ?? 0) + quantity);
  return units;
}

export const renderShipment = ({ id, items, tracking, carrier, createdAt }: Shipment): ShipmentWire => ({
  id,
  items,
  tracking,
  carrier,
  created_at: isoTimestamp(createdAt),
});

export const renderReturn = ({ id, storeId, items, reason, createdAt }: OrderReturn): ReturnWire => ({
  id,
  store_id: storeId,
  items,
  reason,
  created_at: isoTimestamp(createdAt),
});
