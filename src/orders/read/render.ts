import { isoTimestamp } from "../../platform/clock.ts";
import { formatMoney } from "../../platform/money.ts";
import type { Order, OrderItem } from "../order.ts";
import type { OrderWire, RefundWire } from "../schemas.ts";
import { closedUnits, keptOf } from "../units.ts";

/** An order as the API sends it. @param accessToken of a guest: sent once only, with the answer that places the order */
export function renderOrder(order: Order, accessToken?: string): OrderWire {
  const money = (amount: number) => formatMoney({ amount, currency: order.currency });
  return {
    id: order.id,
    reference: order.reference,
    status: order.status,
    payment_status: order.paymentStatus,
    payment_method: order.paymentMethod,
    priority: order.priority,
    customer: order.customer,
    shipping_address: order.shippingAddress,
    items: order.items.map((item) => renderItem(order, item, money)),
    totals: {
      subtotal: money(order.subtotal),
      shipping: money(order.shipping),
      tax: money(order.tax),
      duty: money(order.duty),
      total: money(order.total),
      refunded: money(order.refunded),
      kept: money(keptOf(order)),
    },
    total_items: order.totalItems,
    notes: order.notes,
    metadata: order.metadata,
    expires_at: order.expiresAt === null ? null : isoTimestamp(order.expiresAt),
    version: order.version,
    created_at: isoTimestamp(order.createdAt),
    updated_at: isoTimestamp(order.updatedAt),
    ...(accessToken === undefined ? {} : { access_token: accessToken }),
  };
}

/** What most commands on an order are answered with. */
export const answerWithOrder = (order: Order) => ({ status: 200, body: renderOrder(order) });

/** What is due because of a step, for its answer. */
export const renderOwed = ([refund, ...further]: RefundWire[]) => ({
  refund: refund ?? null,
  ...(further.length > 0 ? { further_refunds: further } : {}),
});

/** What a step is answered with that may give money back. */
export const answerWithRefund = (order: Order, refunds: RefundWire[]) => ({
  status: 200,
  body: { ...renderOrder(order), ...renderOwed(refunds) },
});

function renderItem(order: Order, item: OrderItem, money: (amount: number) => OrderWire["totals"]["total"]) {
  const closed = closedUnits(order, item);
  const refunded = order.refundedUnits[item.productId] ?? 0;
  return {
    product_id: item.productId,
    sku: item.sku,
    title: item.title,
    quantity: item.quantity,
    unit_price: money(item.unitPrice),
    subtotal: money(item.unitPrice * item.quantity),
    allocations: item.allocations
      .filter(({ quantity }) => quantity > 0)
      .map(({ store_id, quantity, shipped }) => ({
        store_id,
        quantity,
        ...(shipped > 0 ? { shipped } : {}),
      })),
    ...(refunded > 0 ? { refunded } : {}),
    ...(closed > 0 ? { closed } : {}),
    ...(item.available === null ? {} : { available: item.available }),
  };
}
