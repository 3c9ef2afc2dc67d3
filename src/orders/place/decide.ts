import type { Context } from "../../platform/context.ts";
import { beginning } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import type { Quote } from "./quote.ts";
import { heldAllocations, type Reservation } from "./reserve.ts";

/** One product that fell short. */
export interface Shortfall {
  product_id: string;
  requested: number;
  available: number;
}

/** The fate that this worker proposes for its claim. What D1 then has may be another's. */
export type Decision =
  | { fate: "placed"; quote: Quote; order: Order }
  | { fate: "rejected"; quote: Quote; order: Order; shortfalls: Shortfall[] }
  /** A call failed, or the claim was let go already: nobody may build on these holds. */
  | { fate: "abandoned"; quote: Quote };

/** Turns what the Stock objects said into a proposed fate. Pure. */
export function decide(context: Context, quote: Quote, reservation: Reservation): Decision {
  const held = heldAllocations(reservation);
  if (held) {
    const { status, paymentStatus } = beginning(quote.order.paymentMethod, quote.order.total);
    const minutes = context.settings.ORDER_EXPIRATION_MINUTES;
    const expiresAt = status === "pending" ? quote.order.createdAt + Math.round(minutes * 60_000) : null;
    const items = quote.order.items.map((item) => ({
      ...item,
      allocations: (held.get(item.productId) ?? []).map((allocation) => ({ ...allocation, shipped: 0 })),
    }));
    return { fate: "placed", quote, order: { ...quote.order, status, paymentStatus, expiresAt, items } };
  }

  const shortfalls: Shortfall[] = [];
  for (const [productId, outcome] of reservation) {
    if (outcome.kind === "unknown" || outcome.kind === "settled") return { fate: "abandoned", quote };
    if (outcome.kind === "held") continue;
    const requested = quote.order.items.find((item) => item.productId === productId)?.quantity ?? 0;
    shortfalls.push({ product_id: productId, requested, available: outcome.available });
  }
  const items = quote.order.items.map((item) => ({
    ...item,
    available: shortfalls.find((shortfall) => shortfall.product_id === item.productId)?.available ?? null,
  }));
  return { fate: "rejected", quote, order: { ...quote.order, status: "rejected", items }, shortfalls };
}
