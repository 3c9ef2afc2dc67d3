import type { Context } from "../../platform/context.ts";
import type { Order } from "../order.ts";
import { goneUnits, type Units } from "../refund-due.ts";
import { unitsLeft } from "../units.ts";
import { returnedUnits } from "./read.ts";

/**
 * Units that are still to leave and were refunded, by product: they ship only where somebody insists. All of an order whose
 * money went back whole; else what was refunded by name and is not gone otherwise. What came back is asked for only where a
 * refund names units.
 */
export async function withheldUnits(context: Context, order: Order): Promise<Units> {
  if (order.captured > 0 && order.refunded >= order.captured) return withheldOf(order, null);
  if (Object.keys(order.refundedUnits).length === 0) return NONE;
  return withheldOf(order, await returnedUnits(context, order));
}

const NONE: Units = new Map();

/** @param returned units that came back; null where all that is left was refunded. Pure. */
export function withheldOf(
  order: Pick<Order, "status" | "items" | "refundedUnits">,
  returned: Units | null,
): Units {
  const gone = goneUnits(order, returned ?? NONE);
  return new Map(
    order.items.flatMap((item) => {
      const { productId } = item;
      const refunded = (order.refundedUnits[productId] ?? 0) - (gone.get(productId) ?? 0);
      const units = returned === null ? unitsLeft(item) : Math.min(unitsLeft(item), refunded);
      return units > 0 ? [[productId, units] as const] : [];
    }),
  );
}

/** Nothing is withheld from whoever insists. */
export const withheldUnless = (force: boolean, context: Context, order: Order): Promise<Units> | Units =>
  force ? NONE : withheldUnits(context, order);
