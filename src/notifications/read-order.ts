import { z } from "zod";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";

/** What a mail says of an order. Amounts are minor units of `currency`, stamps milliseconds. */
export interface OrderForMail {
  reference: string;
  status: string;
  customer: { name: string; email: string };
  currency: string;
  subtotal: number;
  shipping: number;
  tax: number;
  duty: number;
  total: number;
  /** Until when its payment is awaited; null when none is. */
  payUntil: number | null;
  createdAt: number;
  items: { title: string; quantity: number; unitPrice: number }[];
}

interface OrderRow extends Omit<OrderForMail, "customer" | "items"> {
  customer: string;
}

const customerSchema = z.object({ name: z.string(), email: z.string() });

/** An order with its items, in one round trip; null when there is no such order. */
export async function readOrderForMail({ env }: Context, orderId: string): Promise<OrderForMail | null> {
  const results = await env.DB.batch([
    env.DB.prepare(
      `SELECT reference, status, customer, currency, subtotal, shipping, tax, duty, total,
              CASE WHEN payment_status = 'awaiting' THEN expires_at END AS payUntil, created_at AS createdAt
       FROM orders WHERE id = ?1`,
    ).bind(orderId),
    env.DB.prepare(
      "SELECT title, quantity, unit_price AS unitPrice FROM order_items WHERE order_id = ?1 ORDER BY line",
    ).bind(orderId),
  ]);
  const order = rowsOf<OrderRow>(results, 0)[0];
  if (!order) return null;
  return {
    ...order,
    customer: customerSchema.parse(JSON.parse(order.customer)),
    items: rowsOf<OrderForMail["items"][number]>(results, 1),
  };
}
