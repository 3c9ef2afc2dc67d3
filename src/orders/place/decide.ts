import { heldAllocations, levelsCarried, type Reservation } from "../../claims/reserve.ts";
import type { StockReport } from "../../inventory/stock-types.ts";
import type { Context } from "../../platform/context.ts";
import { beginning } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import type { Quote } from "./quote.ts";

/** One product that fell short. */
export interface Shortfall {
  product_id: string;
  requested: number;
  available: number;
}

/** The fate that this worker proposes for its claim. The fate that D1 then has may be that of another worker. */
export type Decision =
  | {
      fate: "placed";
      quote: Quote;
      order: Order;
      /** The levels that its holds carry for the projection. */
      levels: StockReport[];
    }
  | { fate: "rejected"; quote: Quote; order: Order; shortfalls: Shortfall[] }
  /** A call failed, or the claim was released already: no order may be built on these holds. */
  | { fate: "abandoned"; quote: Quote };

/** Drafts that are placed all or none: all are placed, or all abandoned, or all rejected for what some are short of. */
export function asOne(decisions: Decision[]): Decision[] {
  if (decisions.every(({ fate }) => fate === "placed")) return decisions;
  if (decisions.some(({ fate }) => fate === "abandoned")) {
    return decisions.map(({ quote }) => ({ fate: "abandoned", quote }));
  }
  return decisions.map((decision) =>
    decision.fate === "placed"
      ? { fate: "rejected", quote: decision.quote, order: rejected(decision.quote, []), shortfalls: [] }
      : decision,
  );
}

/** Turns what the Stock objects said into a proposed fate. Pure. */
export function decide(context: Context, quote: Quote, reservation: Reservation): Decision {
  const held = heldAllocations(reservation);
  if (held) {
    const { status, paymentStatus } = beginning(
      quote.order.paymentMethod,
      quote.order.total,
      quote.needsApproval,
    );
    const { ORDER_EXPIRATION_MINUTES, APPROVAL_HOURS } = context.settings;
    const minutes = paymentStatus === "awaiting" ? ORDER_EXPIRATION_MINUTES : APPROVAL_HOURS * 60;
    const expiresAt = status === "pending" ? quote.order.createdAt + Math.round(minutes * 60_000) : null;
    const items = quote.order.items.map((item) => ({
      ...item,
      allocations: (held.get(item.productId) ?? []).map((allocation) => ({ ...allocation, shipped: 0 })),
    }));
    const order = { ...quote.order, status, paymentStatus, expiresAt, items };
    return { fate: "placed", quote, order, levels: levelsCarried(reservation) };
  }

  const shortfalls: Shortfall[] = [];
  for (const [productId, outcome] of reservation) {
    if (outcome.kind === "unknown" || outcome.kind === "settled") return { fate: "abandoned", quote };
    if (outcome.kind === "held") continue;
    const requested = quote.order.items.find((item) => item.productId === productId)?.quantity ?? 0;
    shortfalls.push({ product_id: productId, requested, available: outcome.available });
  }
  return { fate: "rejected", quote, order: rejected(quote, shortfalls), shortfalls };
}

const rejected = ({ order }: Quote, shortfalls: Shortfall[]): Order => ({
  ...order,
  status: "rejected",
  items: order.items.map((item) => ({
    ...item,
    available: shortfalls.find((shortfall) => shortfall.product_id === item.productId)?.available ?? null,
  })),
});
