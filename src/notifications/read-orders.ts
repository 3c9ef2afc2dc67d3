import { inArray, sql } from "drizzle-orm";
import { orderItems, orders } from "../orders/tables.ts";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";

export type OrderForMail = NonNullable<ReturnType<Awaited<ReturnType<typeof readOrdersForMail>>["get"]>>;

/**
 * Reads what the e-mails of these orders show, in one round trip, by the orders' ids; those that are not there are left out.
 * Amounts are minor units of `currency`, times milliseconds since the epoch; `expiresAt` is the deadline of the payment.
 * `customer` is still JSON, so that one that cannot be read spoils no other's mail.
 */
export async function readOrdersForMail({ env }: Context, orderIds: string[]) {
  const db = orm(env.DB);
  const named = sql`(SELECT value FROM json_each(${JSON.stringify(orderIds)}))`;
  const [found, items] = await db.batch([
    db
      .select({
        id: orders.id,
        reference: orders.reference,
        status: orders.status,
        customer: orders.customer,
        currency: orders.currency,
        subtotal: orders.subtotal,
        shipping: orders.shipping,
        tax: orders.tax,
        duty: orders.duty,
        total: orders.total,
        paymentStatus: orders.paymentStatus,
        expiresAt: orders.expiresAt,
        createdAt: orders.createdAt,
      })
      .from(orders)
      .where(inArray(orders.id, named)),
    db
      .select({
        orderId: orderItems.orderId,
        productId: orderItems.productId,
        title: orderItems.title,
        quantity: orderItems.quantity,
        unitPrice: orderItems.unitPrice,
      })
      .from(orderItems)
      .where(inArray(orderItems.orderId, named))
      .orderBy(orderItems.line),
  ]);
  const itemsOf = Map.groupBy(items, ({ orderId }) => orderId);
  return new Map(found.map((order) => [order.id, { ...order, items: itemsOf.get(order.id) ?? [] }]));
}
