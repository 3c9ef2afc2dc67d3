import { namedOrder } from "../orders/place/cart-guard.ts";
import { isoTimestamp } from "../platform/clock.ts";
import { formatMoney } from "../platform/money.ts";
import type { Cart, CartItem, SummaryRow } from "./cart.ts";
import type { CartSummaryWire, CartWire } from "./schemas.ts";

/** @param currency of the totals of an empty cart; @param token a guest's, only when the cart was just created */
export function renderCart(cart: Cart, currency: string, token?: string): CartWire {
  return {
    id: cart.id,
    ...(token === undefined ? {} : { token }),
    items: cart.items.map(renderItem),
    totals: totalsOf(cart, currency),
    total_items: cart.items.reduce((sum, { quantity }) => sum + quantity, 0),
    order: cart.spentBy,
    version: cart.version,
    created_at: isoTimestamp(cart.createdAt),
    updated_at: isoTimestamp(cart.updatedAt),
  };
}

function renderItem(item: CartItem): CartWire["items"][number] {
  const { price, currency, putPrice, putCurrency, quantity } = item;
  const subtotal = price * quantity;
  return {
    product_id: item.productId,
    sku: item.sku,
    title: item.title,
    quantity,
    unit_price: formatMoney({ amount: price, currency }),
    ...(price === putPrice && currency === putCurrency
      ? {}
      : { price_changed_from: formatMoney({ amount: putPrice, currency: putCurrency }) }),
    subtotal: Number.isSafeInteger(subtotal) ? formatMoney({ amount: subtotal, currency }) : null,
    available: item.active ? item.available : 0,
    ...(item.maxPerOrder === null ? {} : { max_per_order: item.maxPerOrder }),
    ...(item.active ? {} : { unavailable: true as const }),
  };
}

/** The totals of the items that can be ordered; null when they have several currencies. */
function totalsOf({ items }: Cart, fallback: string): CartWire["totals"] {
  const orderable = items.filter(({ active }) => active);
  const currencies = new Set(orderable.map(({ currency }) => currency));
  const [currency = fallback] = currencies;
  const subtotal = orderable.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
  if (currencies.size > 1 || !Number.isSafeInteger(subtotal)) return null;
  const [sum, nothing] = [subtotal, 0].map((amount) => formatMoney({ amount, currency }));
  if (!sum || !nothing) throw new Error("a sum was lost");
  return { subtotal: sum, shipping: nothing, tax: nothing, duty: nothing, total: sum };
}

export const renderSummary = (row: SummaryRow): CartSummaryWire => ({
  id: row.id,
  total_items: row.total_items,
  order: namedOrder(row.spent_by),
  version: row.version,
  created_at: isoTimestamp(row.created_at),
  updated_at: isoTimestamp(row.updated_at),
});
