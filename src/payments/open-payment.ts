import { newTask } from "../events/append.ts";
import { Commit } from "../events/commit.ts";
import { isLiving } from "../orders/lifecycle.ts";
import type { Order } from "../orders/order.ts";
import type { Context } from "../platform/context.ts";
import { prefixed } from "../platform/ids.ts";
import { first, run, type Sql, sql } from "../platform/sql.ts";
import type { Payment } from "./money.ts";
import { PAYMENT_COLUMNS } from "./money.ts";
import type { ProviderName } from "./provider.ts";
import { providerOf } from "./providers.ts";

export type OpenPaymentOutcome =
  | { kind: "open"; payment: Payment }
  | { kind: "already_paid" }
  /** Its total is 0. */
  | { kind: "nothing_to_pay" }
  /** The order is dead, past its deadline, or paid in another way. */
  | { kind: "not_payable"; status: Order["status"] }
  /** The provider does not take this payment. */
  | { kind: "refused"; reason: string }
  /** The provider does not answer. The same call again goes on where this one stopped. */
  | { kind: "unavailable" };

/** SQL over `orders AS o`: the order can still be paid. */
const payable = (now: number): Sql =>
  sql`o.status = 'pending' AND o.payment_status IN ('awaiting', 'failed') AND o.expires_at > ${now}`;

/**
 * Opens a payment of an order, or finds the one that is open: an order has at most one for each provider. The row is
 * written first. Then the provider is called, with the row's id as the idempotency key, so it makes one payment however
 * many call. A worker that dies in between leaves a row that the next call fills in.
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
      // A twin that called at the same moment may have got the answer.
      const filled = await readPayment(context, payment.id);
      return filled?.providerId ? { kind: "open", payment: filled } : { kind: "unavailable" };
    }
  }
}

/** Writes the row if the order can be paid and no payment is open, and reads this operation's row or the open one. */
async function writePayment(
  context: Context,
  order: Order,
  id: string,
  provider: ProviderName,
): Promise<Payment | null> {
  const now = context.clock.now();
  // It need not be fenced: what it opens in another history is opened under the same conditions there.
  const commit = new Commit(context, "none");
  commit.win(sql`
      INSERT INTO payments (id, order_id, provider, status, amount, currency, captured, refunded, stamp, created_at,
        updated_at)
      SELECT ${id}, o.id, ${provider}, 'open', o.total, o.currency, 0, 0, ${id}, ${now}, ${now} FROM orders AS o
      WHERE o.id = ${order.id} AND ${payable(now)} AND NOT EXISTS (
        SELECT 1 FROM payments AS p INDEXED BY payments_order WHERE p.order_id = o.id AND p.provider = ${provider} AND p.status = 'open')
      ON CONFLICT DO NOTHING`);
  const standing = commit.read(sql<Payment>`
      SELECT ${PAYMENT_COLUMNS} FROM payments AS p INDEXED BY payments_order JOIN orders AS o ON o.id = p.order_id
      WHERE p.order_id = ${order.id} AND p.provider = ${provider}
        AND (p.id = ${id} OR p.status = 'open' AND ${payable(now)})
      ORDER BY p.id = ${id} DESC, p.created_at LIMIT 1`);
  return (await commit.send()).first(standing);
}

/** Reads the order again, since it may have been paid, or have died, after it was read. */
async function refusalOf({ env }: Context, order: Order): Promise<OpenPaymentOutcome> {
  const now = await first(
    env.DB,
    sql<{ status: Order["status"]; payment_status: Order["paymentStatus"] }>`
      SELECT status, payment_status FROM orders WHERE id = ${order.id}`,
  );
  const status = now?.status ?? order.status;
  const paid = ["paid", "partially_refunded", "refunded", "refund_due"].includes(now?.payment_status ?? "");
  if (!isLiving(status)) return { kind: "not_payable", status };
  if (order.total === 0) return { kind: "nothing_to_pay" };
  return paid ? { kind: "already_paid" } : { kind: "not_payable", status };
}

/**
 * Writes the provider's answer into the row; the first to come writes it, since all get the same answer under one
 * idempotency key. If the order has died since, the payment is open at the provider all the same. So the batch opens the
 * row again, even if it was marked as failed, and owes the task that ends it. Then it returns null, and nobody gets the
 * secret.
 */
async function fillIn(
  context: Context,
  payment: Payment,
  given: { providerId: string | null; clientSecret: string | null },
): Promise<OpenPaymentOutcome | null> {
  const now = context.clock.now();
  const ending = newTask(context, "end-payments", payment.orderId, { order_id: payment.orderId });
  const commit = new Commit(context, "none");
  commit.win(sql`
    UPDATE payments SET provider_id = ${given.providerId}, client_secret = ${given.clientSecret},
      stamp = ${commit.stamp}, updated_at = ${now}, status = CASE status WHEN 'failed' THEN 'open' ELSE status END
    WHERE id = ${payment.id} AND provider_id IS NULL`);
  commit.owe(
    [ending],
    sql`EXISTS (SELECT 1 FROM payments AS p JOIN orders AS o ON o.id = p.order_id
      WHERE p.id = ${payment.id} AND p.stamp = ${commit.stamp} AND o.status <> 'pending')`,
  );
  const standing = commit.read(sql<Payment>`
    SELECT ${PAYMENT_COLUMNS} FROM payments AS p JOIN orders AS o ON o.id = p.order_id
    WHERE p.id = ${payment.id} AND ${payable(now)}`);
  const filled = (await commit.send()).first(standing);
  return filled ? { kind: "open", payment: filled } : null;
}

/** Marks the payment as failed, so that the next call opens another, under another idempotency key. */
async function giveUp({ env, clock, ids }: Context, payment: Payment): Promise<void> {
  await run(
    env.DB,
    sql`UPDATE payments SET status = 'failed', stamp = ${ids.next()}, updated_at = ${clock.now()}
      WHERE id = ${payment.id} AND status = 'open' AND provider_id IS NULL`,
  );
}

const readPayment = ({ env }: Context, id: string): Promise<Payment | null> =>
  first(env.DB, sql<Payment>`SELECT ${PAYMENT_COLUMNS} FROM payments AS p WHERE p.id = ${id}`);
