import { claimOf } from "../../claims/ids.ts";
import { may } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { formatMoney, type Money, type MoneyWire, parseAmount } from "../../platform/money.ts";
import { PAYMENT_METHODS, type PaymentMethod } from "../lifecycle.ts";
import type { Customer, Order } from "../order.ts";
import { stripeRefusal } from "../stripe-amount.ts";
import { chooseStores } from "./choose-stores.ts";
import type { Draft, NamedOrder } from "./draft.ts";
import type { PlaceFacts, ProductRow } from "./load.ts";

/** Why a draft can be no order, known before anything is held. */
export type Refusal =
  /** A living order has spent the cart. */
  | { kind: "cart_spent"; order: NamedOrder }
  /** The cart has changed since it was read. */
  | { kind: "cart_changed" }
  | { kind: "cart_empty" }
  | { kind: "unknown_products"; productIds: string[] }
  | { kind: "unknown_store"; storeId: string }
  | { kind: "mixed_currencies"; currencies: string[] }
  | { kind: "customer_needed" }
  /** This buyer may not pay like this. */
  | { kind: "payment_method_not_allowed"; allowed: readonly PaymentMethod[] }
  /** More units wait for their payment already than one buyer may have. */
  | { kind: "too_many_unpaid"; max: number }
  /** More of a product than one order may have. */
  | { kind: "too_many_units"; lines: { item: number; productId: string; most: number }[] }
  | { kind: "total_too_large" }
  | { kind: "price_changed"; total: MoneyWire }
  /** It is to be paid by card, and the shop's payment provider cannot charge so much of this currency. */
  | { kind: "not_chargeable"; total: MoneyWire; reason: string };

/** A draft with its prices: what will become the order, if its stock can be held. */
export interface Quote {
  claim: string;
  draft: Draft;
  /** Complete except for what placing decides: status, allocations, deadline. */
  order: Order;
  /** Unless it is paid first, it waits for the shop's approval. */
  needsApproval: boolean;
  /** While it waits, its units count against the limit of unpaid ones. */
  counted: boolean;
  /** The stores of each product, in order of preference. */
  stores: Map<string, string[]>;
}

/** Prices a draft by what D1 said. Pure: nothing is held yet, and a refusal leaves nothing behind. */
export function quote(
  context: Context,
  draft: Draft,
  operation: string,
  facts: PlaceFacts,
): { kind: "quoted"; quote: Quote } | Refusal {
  if (draft.cart?.spentBy) return { kind: "cart_spent", order: draft.cart.spentBy };
  if (draft.cart && draft.lines.length === 0) return { kind: "cart_empty" };
  const known = draft.lines.map((line) => ({ line, product: orderable(facts, line.productId) }));
  const unknown = known.filter(({ product }) => !product).map(({ line }) => line.productId);
  if (unknown.length > 0) return { kind: "unknown_products", productIds: unknown };
  if (draft.storeId !== null && !facts.knownStores.has(draft.storeId)) {
    return { kind: "unknown_store", storeId: draft.storeId };
  }
  const customer = customerOf(draft, facts);
  if (!customer) return { kind: "customer_needed" };
  const terms = termsOf(context, draft, facts);
  if (!terms.methods.includes(draft.paymentMethod)) {
    return { kind: "payment_method_not_allowed", allowed: terms.methods };
  }
  const tooMany = known.flatMap(({ line, product }) => {
    const most = Math.min(terms.mostUnits, terms.free ? Infinity : (product?.max_per_order ?? Infinity));
    return line.quantity > most ? [{ item: line.item, productId: line.productId, most }] : [];
  });
  if (tooMany.length > 0) return { kind: "too_many_units", lines: tooMany };

  const items = known.flatMap(({ line, product }) =>
    product
      ? [
          {
            productId: product.id,
            sku: product.sku,
            title: product.title,
            quantity: line.quantity,
            unitPrice: product.price,
            allocations: [],
            available: null,
          },
        ]
      : [],
  );
  const currencies = [...new Set(known.flatMap(({ product }) => product?.currency ?? []))];
  const currency = currencies[0];
  if (currency === undefined || currencies.length > 1) return { kind: "mixed_currencies", currencies };
  const subtotal = items.reduce((sum, item) => sum + item.unitPrice * item.quantity, 0);
  if (!Number.isSafeInteger(subtotal)) return { kind: "total_too_large" };
  if (!isExpected(draft, subtotal, currency)) {
    return { kind: "price_changed", total: formatMoney({ amount: subtotal, currency }) };
  }
  const reason = whyNotByCard(context, draft, { amount: subtotal, currency });
  if (reason !== null) {
    return { kind: "not_chargeable", total: formatMoney({ amount: subtotal, currency }), reason };
  }

  const now = context.clock.now();
  const { actor } = draft;
  const order: Order = {
    id: prefixed("ord", operation),
    reference: draft.reference,
    claimId: claimOf(operation),
    storeId: draft.storeId,
    batchId: draft.bulk?.id ?? null,
    cartId: draft.cart?.id ?? null,
    userId: actor.kind === "user" ? actor.userId : null,
    accessTokenHash: null,
    status: "pending",
    paymentStatus: "none",
    paymentMethod: draft.paymentMethod,
    priority: draft.priority,
    customer,
    shippingAddress: draft.shippingAddress,
    currency,
    subtotal,
    shipping: 0,
    tax: 0,
    duty: 0,
    total: subtotal,
    captured: 0,
    refunded: 0,
    refundedUnits: {},
    totalItems: items.reduce((sum, item) => sum + item.quantity, 0),
    notes: draft.notes,
    metadata: draft.metadata,
    expiresAt: null,
    version: 1,
    // Of the commit that records it, which is not there yet.
    stamp: "",
    placedBy: actor.name,
    createdAt: now,
    updatedAt: now,
    items,
  };
  const { storeId } = draft;
  const stores =
    storeId === null
      ? chooseStores(draft.lines, facts.hints)
      : new Map(draft.lines.map((line) => [line.productId, [storeId]]));
  return {
    kind: "quoted",
    quote: {
      ...{ claim: order.claimId, draft, order, stores },
      ...{ needsApproval: terms.needApproval, counted: terms.counted },
    },
  };
}

function orderable(facts: PlaceFacts, productId: string): ProductRow | undefined {
  const product = facts.products.get(productId);
  return product?.active ? product : undefined;
}

/** Guests must say who they are; for a signed-in buyer the account does. */
const customerOf = ({ customer, actor }: Draft, { accounts }: PlaceFacts): Customer | null =>
  customer ?? (actor.kind === "user" ? (accounts.get(actor.userId)?.customer ?? null) : null);

/** What a buyer may do: strangers less than whom the shop knows, and staff all. */
function termsOf({ settings }: Context, { actor }: Draft, { accounts }: PlaceFacts) {
  const account = actor.kind === "user" ? accounts.get(actor.userId) : undefined;
  const free = may(actor, "orders:write");
  return {
    free,
    methods: free
      ? PAYMENT_METHODS
      : actor.kind !== "user"
        ? settings.GUEST_PAYMENT_METHODS
        : (account?.paymentMethods ?? PAYMENT_METHODS),
    mostUnits: free || settings.MAX_UNITS_PER_LINE === 0 ? Infinity : settings.MAX_UNITS_PER_LINE,
    needApproval: settings.APPROVAL_HOURS > 0 && !free && account?.trusted !== true,
    counted: settings.MAX_UNPAID_UNITS > 0 && !free && account?.trusted !== true,
  };
}

/** `standard` stands for any provider, of whose limits nothing is known. What costs nothing is not charged. */
const whyNotByCard = ({ settings }: Context, { paymentMethod }: Draft, total: Money): string | null =>
  paymentMethod === "card" && settings.PAYMENT_PROVIDER === "stripe" && total.amount > 0
    ? stripeRefusal(total)
    : null;

function isExpected(draft: Draft, total: number, currency: string): boolean {
  const expected = draft.expectedTotal;
  if (expected === null) return true;
  return (
    (expected.currency ?? currency).toUpperCase() === currency &&
    parseAmount(expected.amount, currency) === total
  );
}
