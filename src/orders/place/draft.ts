import type { Actor } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import type { IdempotencyKey } from "../../platform/idempotency.ts";
import type { PaymentMethod, Priority } from "../lifecycle.ts";
import type { Customer, ShippingAddress } from "../order.ts";
import type { PlaceOrderInput } from "../schemas.ts";

/** What a buyer asks for, before anything is known of products, prices or stock. */
export interface Draft extends DraftNames {
  /** Who asks, and by which request. */
  actor: Actor;
  requestId: string;
  /** The network address that it came from; null for a program, whose own tells nothing of its buyers. */
  address: string | null;
  /** The restore generation in which its cart was read; null where nothing was read for it. */
  generation: number | null;
  /** The Idempotency-Key it came under; null without one. */
  key: IdempotencyKey | null;
  /** The bulk that it came in, and the bulk's own key. */
  bulk: { id: string; key: IdempotencyKey | null } | null;
  /** The cart that it checks out; null where its items came with the request. */
  cart: DraftCart | null;
  /** One line a product, in the order of first naming; lines of one product are added up. */
  lines: DraftLine[];
  /** The store that the buyer named: no units may come from another. */
  storeId: string | null;
  customer: Customer | null;
  shippingAddress: ShippingAddress | null;
  priority: Priority;
  paymentMethod: PaymentMethod;
  expectedTotal: { amount: string; currency?: string | undefined } | null;
  notes: string | null;
  metadata: Record<string, unknown> | null;
}

/**
 * What a draft's order will be found by. The request draws them before it asks anybody, so that it knows its order whoever
 * placed it, also when no answer comes back.
 */
export interface DraftNames {
  /** Its claim and its order are named after this, unless its key has an operation already. */
  operation: string;
  reference: string;
  /** By which a guest may see the order; null for a user, who need none. */
  accessToken: string | null;
}

/** A cart as it was read for its checkout. The order has what was in it at this version, or there is no order. */
export interface DraftCart {
  id: string;
  version: number;
  /** The living order that had spent it already. */
  spentBy: NamedOrder | null;
}

export interface NamedOrder {
  id: string;
  reference: string;
}

export interface DraftLine {
  productId: string;
  quantity: number;
  /** Which of the items as they were sent named the product first, from 0. */
  item: number;
}

/** @param operation a fresh one, which no other draft has */
export function draftOf(
  { actor, requestId, address, ids }: Pick<Context, "actor" | "requestId" | "address" | "ids">,
  input: PlaceOrderInput,
  key: IdempotencyKey | null,
  operation = ids.next(),
): Draft {
  return {
    ...{ actor, requestId, generation: null, address: actor.kind === "key" ? null : address },
    ...{ operation, reference: ids.reference(), accessToken: actor.kind === "user" ? null : ids.secret() },
    key,
    bulk: null,
    cart: null,
    lines: addUp(input.items),
    storeId: input.store_id ?? null,
    customer: input.customer ?? null,
    shippingAddress: input.shipping_address ?? null,
    priority: input.priority,
    paymentMethod: input.payment_method,
    expectedTotal: input.expected_total ?? null,
    notes: input.notes ?? null,
    metadata: input.metadata ?? null,
  };
}

function addUp(items: PlaceOrderInput["items"]): DraftLine[] {
  const lines = new Map<string, DraftLine>();
  for (const [item, { product_id: productId, quantity }] of items.entries()) {
    const line = lines.get(productId);
    if (line) line.quantity += quantity;
    else lines.set(productId, { productId, quantity, item });
  }
  return [...lines.values()];
}
