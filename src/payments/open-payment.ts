import { type NewWork, oweWork } from "../events/append.ts";
import type { Order } from "../orders/order.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { prefixed } from "../platform/ids.ts";
import { PAYMENT_COLUMNS } from "./list-payments.ts";
import type { Payment, ProviderName } from "./provider.ts";
import { providerOf } from "./providers.ts";

export type OpenPaymentOutcome =
  | { kind: "open"; payment: Payment }
  | { kind: "already_paid" }
  /** Its total is 0. */
  | { kind: "nothing_to_pay" }
  /** Dead, past its deadline, or of a kind that is paid elsewhere. */
  | { kind: "not_payable"; status: Order["status"] }
  /** The provider does not take this payment. */
  | { kind: "refused"; reason: string }
  /** The provider is away. The same call again goes on where this one stopped. */
  | { kind: "unavailable" };

/** What can still be paid: a condition on `orders AS o`, with now as ?1. */
const PAYABLE = "o.status = 'pending' AND o.payment_status IN ('awaiting', 'failed') AND o.expires_at > ?1";

/**
 * Opens a payment of an order, or finds the one that is open: an order has at most one for each provider. The row is
 * written first and the provider asked after it, under the row's id: whoever dies between leaves a row that the next
 * call fills in, and however many ask, the provider makes one.
 * @param operation the same for every repeat of one request
 */
export async function openPayment(
  context: Context,
  order: Order,
  operation: string,
): Promise<OpenPaymentOutcome> {
  const provider = context.settings.PAYMENT_PROVIDER;
  const payment = await writePayment(context, order, prefixed("pay", operation), provider);
  if (!payment) return refusalOf(context, order);
  if (payment.status !== "open" || payment.providerId !== null) return { kind: "open", payment };

  const outcome = await providerOf(context, provider).open(context, order, payment);
  switch (outcome.kind) {
    case "open":
      if (outcome.providerId === null && outcome.clientSecret === null) return { kind: "open", payment };
      return (await fillIn(context, payment, outcome)) ?? refusalOf(context, order);
    case "refused":
      await giveUp(context, payment);
      return { kind: "refused", reason: outcome.error };
    case "unavailable": {
      // A twin that asked at the same moment may have had the answer.
      const filled = await readPayment(context, payment.id);
      return filled?.providerId ? { kind: "open", payment: filled } : { kind: "unavailable" };
    }
  }
}

/** One batch: the row, if the order can be paid and none is open; then this operation's row, or the one that is open. */
async function writePayment(
  { env, clock }: Context,
  order: Order,
  id: string,
  provider: ProviderName,
): Promise<Payment | null> {
  const results = await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO payments (id, order_id, provider, status, amount, currency, captured, refunded, stamp, created_at,
         updated_at)
       SELECT ?2, o.id, ?3, 'open', o.total, o.currency, 0, 0, ?2, ?1, ?1 FROM orders AS o
       WHERE o.id = ?4 AND ${PAYABLE} AND NOT EXISTS (
         SELECT 1 FROM payments AS p WHERE p.order_id = o.id AND p.provider = ?3 AND p.status = 'open')
       ON CONFLICT DO NOTHING`,
    ).bind(clock.now(), id, provider, order.id),
    env.DB.prepare(
      `SELECT ${PAYMENT_COLUMNS} FROM payments AS p JOIN orders AS o ON o.id = p.order_id
       WHERE p.order_id = ?4 AND p.provider = ?3 AND (p.id = ?2 OR p.status = 'open' AND ${PAYABLE})
       ORDER BY p.id = ?2 DESC, p.created_at LIMIT 1`,
    ).bind(clock.now(), id, provider, order.id),
  ]);
  return rowsOf<Payment>(results, 1)[0] ?? null;
}

/** By the order as it is now: it may have been paid, or have died, since it was read. */
async function refusalOf({ env }: Context, order: Order): Promise<OpenPaymentOutcome> {
  const now = await env.DB.prepare("SELECT status, payment_status FROM orders WHERE id = ?1")
    .bind(order.id)
    .first<{ status: Order["status"]; payment_status: Order["paymentStatus"] }>();
  const status = now?.status ?? order.status;
  const dead = status === "cancelled" || status === "expired" || status === "rejected";
  const paid = ["paid", "partially_refunded", "refunded", "refund_due"].includes(now?.payment_status ?? "");
  if (dead) return { kind: "not_payable", status };
  if (order.total === 0) return { kind: "nothing_to_pay" };
  return paid ? { kind: "already_paid" } : { kind: "not_payable", status };
}

/**
 * Written by whoever comes first: under one idempotency key the provider gives all the same. Where the order has died
 * since, what the provider holds open is to be ended by the same batch, whoever thought it was never opened; null then,
 * and nobody is given its secret.
 */
async function fillIn(
  context: Context,
  payment: Payment,
  given: { providerId: string | null; clientSecret: string | null },
): Promise<OpenPaymentOutcome | null> {
  const { env, clock, ids } = context;
  const nonce = ids.next();
  const ending: NewWork = {
    id: prefixed("wrk", ids.next()),
    task: "end-payments",
    object_id: payment.orderId,
    payload: { order_id: payment.orderId },
    at: clock.now(),
    not_before: clock.now(),
    request_id: context.requestId,
  };
  const results = await env.DB.batch([
    env.DB.prepare(
      `UPDATE payments SET provider_id = ?2, client_secret = ?3, stamp = ?4, updated_at = ?5,
         status = CASE status WHEN 'failed' THEN 'open' ELSE status END
       WHERE id = ?1 AND provider_id IS NULL`,
    ).bind(payment.id, given.providerId, given.clientSecret, nonce, clock.now()),
    oweWork(env.DB, [ending], {
      sql: `EXISTS (SELECT 1 FROM payments AS p JOIN orders AS o ON o.id = p.order_id
        WHERE p.id = ?2 AND p.stamp = ?3 AND o.status <> 'pending')`,
      parameters: [payment.id, nonce],
    }),
    env.DB.prepare(
      `SELECT ${PAYMENT_COLUMNS} FROM payments AS p JOIN orders AS o ON o.id = p.order_id
       WHERE p.id = ?2 AND ${PAYABLE}`,
    ).bind(clock.now(), payment.id),
  ]);
  const [filled] = rowsOf<Payment>(results, 2);
  return filled ? { kind: "open", payment: filled } : null;
}

/** So that the next call opens another, under another idempotency key. */
async function giveUp({ env, clock, ids }: Context, payment: Payment): Promise<void> {
  await env.DB.prepare(
    `UPDATE payments SET status = 'failed', stamp = ?2, updated_at = ?3
     WHERE id = ?1 AND status = 'open' AND provider_id IS NULL`,
  )
    .bind(payment.id, ids.next(), clock.now())
    .run();
}

async function readPayment({ env }: Context, id: string): Promise<Payment | null> {
  return env.DB.prepare(`SELECT ${PAYMENT_COLUMNS} FROM payments AS p WHERE p.id = ?1`)
    .bind(id)
    .first<Payment>();
}
