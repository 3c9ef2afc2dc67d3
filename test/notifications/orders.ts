import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { TaskHandler } from "../../src/events/run-tasks.ts";
import { emailSender } from "../../src/notifications/tasks.ts";
import { testClock } from "../support/clock.ts";
import worker from "../support/worker.ts";

interface GivenOrder {
  id: string;
  status: string;
  paymentStatus: string;
  name: string;
  email: string;
  currency: string;
  expiresAt: number | null;
  items: { title: string; quantity: number; unitPrice: number }[];
}

/** An order as the orders room leaves it, put straight into D1. */
export async function givenOrder(given: Partial<GivenOrder> = {}): Promise<GivenOrder> {
  const order: GivenOrder = {
    id: "ord_1",
    status: "confirmed",
    paymentStatus: "none",
    name: "Ada Lovelace",
    email: "ada@example.com",
    currency: "USD",
    expiresAt: null,
    items: [
      { title: "Coffee beans", quantity: 2, unitPrice: 1_999 },
      { title: "Filter papers", quantity: 10, unitPrice: 5 },
    ],
    ...given,
  };
  const total = order.items.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
  const units = order.items.reduce((sum, { quantity }) => sum + quantity, 0);
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer,
         customer_email, currency, subtotal, shipping, tax, duty, total, total_items, expires_at, version, stamp,
         status_at, created_at, updated_at)
       VALUES (?1, ?2, 'clm_1', ?3, ?4, 'invoice', 'normal', ?5, ?6, ?7, ?8, 0, 0, 0, ?8, ?9, ?10, 1, 's',
         ?11, ?11, ?11)`,
    ).bind(
      order.id,
      `ORD-${order.id}`,
      order.status,
      order.paymentStatus,
      JSON.stringify({ name: order.name, email: order.email }),
      order.email.toLowerCase(),
      order.currency,
      total,
      units,
      order.expiresAt,
      testClock.now(),
    ),
    ...order.items.map(({ title, quantity, unitPrice }, line) =>
      env.DB.prepare(
        `INSERT INTO order_items (order_id, product_id, line, sku, title, quantity, unit_price, allocations)
         VALUES (?1, ?2, ?3, 'SKU', ?4, ?5, ?6, '[]')`,
      ).bind(order.id, `prd_${line}`, line, title, quantity, unitPrice),
    ),
  ]);
  return order;
}

/** Work that owes an order its confirmation. */
export const confirmationOf = (orderId: string, workId: string) => ({
  id: workId,
  task: "email" as const,
  object_id: orderId,
  payload: { template: "order_confirmation", order_id: orderId },
});

/** A batch of one mail. */
export const sendEmail: TaskHandler = (context, task) => emailSender(context)(context, task);

export interface KeptEmail {
  work_id: string;
  to_address: string;
  subject: string;
  text: string;
  html: string;
  sent_at: number;
}

export async function keptEmails(): Promise<KeptEmail[]> {
  const { results } = await env.DB.prepare("SELECT * FROM emails ORDER BY id").all<KeptEmail>();
  return results;
}

/** Runs the tasks that are owed, in one batch, and returns all mails that were ever sent. */
export async function runOwed(settings: Record<string, string> = {}): Promise<KeptEmail[]> {
  const { results } = await env.DB.prepare("SELECT id FROM work WHERE state = 'owed'").all<{ id: string }>();
  const messages = results.map((body, at) => ({ id: `m${at}`, timestamp: 1, attempts: 1, body }));
  const batch = createMessageBatch("notifications", messages);
  const execution = createExecutionContext();
  await worker.queue(batch, { ...env, ...settings } as never, execution);
  await getQueueResult(batch, execution);
  return keptEmails();
}
