import { eq } from "drizzle-orm";
import { z } from "zod";
import { orderItems, orders } from "../orders/tables.ts";
import type { Context } from "../platform/context.ts";
import { orm } from "../platform/d1.ts";

export type OrderForMail = NonNullable<Awaited<ReturnType<typeof readOrderForMail>>>;

const customerSchema = z.object({ name: z.string(), email: z.string() });

/**
 * What a mail says of an order, in one round trip; null when there is no such order. Amounts are minor units of
 * `currency`, stamps milliseconds. `payUntil` is until when its payment is awaited; null when none is.
 */
export async function readOrderForMail({ env }: Context, orderId: string) {
  const db = orm(env.DB);
  const [[order], items] = await db.batch([
    db
      .select({
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
      .where(eq(orders.id, orderId)),
    db
      .select({ title: orderItems.title, quantity: orderItems.quantity, unitPrice: orderItems.unitPrice })
      .from(orderItems)
      .where(eq(orderItems.orderId, orderId))
      .orderBy(orderItems.line),
  ]);
  if (!order) return null;
  const { paymentStatus, expiresAt, customer, ...rest } = order;
  return {
    ...rest,
    customer: customerSchema.parse(JSON.parse(customer)),
    payUntil: paymentStatus === "awaiting" ? expiresAt : null,
    items,
  };
}
