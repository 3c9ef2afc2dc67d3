import type { PaymentStatus } from "../orders/lifecycle.ts";
import type { Order, OrderItem } from "../orders/order.ts";
import { spentBy } from "../orders/place/cart-guard.ts";
import { wonOrder } from "../orders/stamped.ts";
import { each, type Sql, sql, trusted } from "../platform/sql.ts";
import type { Payment, PaymentEvent, Refund } from "./money.ts";

/**
 * The statements of a change of money. All but the fate are joined on the stamp of the order, which the commit has won
 * or not: what was not won writes nothing.
 */

/** Which commit writes, and when. */
export interface Written {
  stamp: string;
  now: number;
}

const isEvent = ({ provider, eventId }: Pick<PaymentEvent, "provider" | "eventId">): Sql =>
  sql`e.provider = ${provider} AND e.event_id = ${eventId}`;

/** Event by event: whether `orders.events_owed` counts it. One set aside was taken off that count before. */
const COUNTED = sql`e.state = 'owed' AND e.order_id IS NOT NULL AND e.outcome IS NULL`;

/** Whether the commit has won the order whose id is `id`. */
const won = (id: string, { stamp }: Written): Sql => wonOrder(sql`${id}`, stamp);

/** The same for rows of a list that name their order. */
const wonByRow = ({ stamp }: Written): Sql => wonOrder(trusted("row.value ->> 'orderId'"), stamp);

/**
 * The fate of a late payment's claim, by an insert that yields. Its conditions are those under which the order is won
 * by the next statement, so there is never a fate without its order, nor an order revived without its fate. An order
 * whose cart another living order has spent meanwhile is not revived.
 */
export function writeFate(
  order: Order,
  { claim, fate }: { claim: string; fate: "placed" | "rejected" },
  closes: PaymentEvent | undefined,
  { stamp, now }: Written,
): Sql {
  const owed = closes
    ? sql`EXISTS (SELECT 1 FROM payment_events AS e WHERE ${isEvent(closes)} AND e.state = 'owed')`
    : sql`false`;
  const cartIsFree = sql`NOT EXISTS (${trusted(spentBy("o.cart_id", "1", "o.id"))})`;
  return sql`
    INSERT INTO claims (id, fate, order_id, stamp, decided_at)
    SELECT ${claim}, ${fate}, o.id, ${stamp}, ${now} FROM orders AS o
    WHERE o.id = ${order.id} AND o.version = ${order.version} AND o.status = 'expired' AND o.claim_id = ${order.claimId}
      AND ${owed} AND ${fate === "placed" ? cartIsFree : sql`true`}
    ON CONFLICT DO NOTHING`;
}

export interface OrderAfter {
  paymentStatus: PaymentStatus;
  /** The claim that the order names from now on; null: the one that it has. */
  claim: string | null;
  /** Waits for no payment any more. */
  paid: boolean;
  /** The event that this works off. Told before it is closed: whether it was counted as owed is in its row. */
  closes: PaymentEvent | undefined;
}

export function writeOrder(id: string, after: OrderAfter, { stamp }: Written): Sql {
  const { closes, claim } = after;
  const counted = closes
    ? sql`(SELECT count(*) FROM payment_events AS e WHERE ${isEvent(closes)} AND ${COUNTED})`
    : sql`0`;
  return sql`
    UPDATE orders SET payment_status = ${after.paymentStatus}, claim_id = coalesce(${claim}, claim_id),
      expires_at = ${after.paid ? sql`NULL` : sql`expires_at`}, events_owed = max(0, events_owed - ${counted})
    WHERE id = ${id} AND stamp = ${stamp}`;
}

export interface ClosedEvent {
  event: PaymentEvent;
  /** Where it must still stand: `owed` where it is left out. */
  from?: "owed" | "flagged";
  state: "done" | "flagged";
  outcome: string;
}

export const closeEvent = (
  { event, from = "owed", state, outcome }: ClosedEvent,
  orderId: string,
  written: Written,
): Sql => sql`
  UPDATE payment_events AS e SET state = ${state}, outcome = ${outcome}, order_id = ${orderId}
  WHERE ${isEvent(event)} AND e.state = ${from} AND ${won(orderId, written)}`;

/** An event that changes nothing but itself: it is closed where it stands, whatever its order goes through meanwhile. */
export const closeQuietly = (event: PaymentEvent, orderId: string, outcome: string): Sql[] => [
  sql`UPDATE orders SET events_owed = max(0, events_owed - 1)
    WHERE id = ${orderId} AND EXISTS (SELECT 1 FROM payment_events AS e WHERE ${isEvent(event)} AND ${COUNTED})`,
  sql`UPDATE payment_events AS e SET state = 'done', outcome = ${outcome}, order_id = ${orderId}
    WHERE ${isEvent(event)} AND e.state = 'owed'`,
];

/** Takes the money into a payment that we opened, or into a new row for one that we did not. */
export const capture = (payment: Payment, written: Written): Sql[] => [
  sql`UPDATE payments SET status = ${payment.status}, captured = ${payment.captured},
      provider_id = coalesce(provider_id, ${payment.providerId}), stamp = ${written.stamp}, updated_at = ${written.now}
    WHERE id = ${payment.id} AND ${won(payment.orderId, written)}`,
  sql`INSERT INTO payments (id, order_id, provider, provider_id, status, amount, currency, captured, refunded,
      client_secret, stamp, created_at, updated_at)
    SELECT ${payment.id}, o.id, ${payment.provider}, ${payment.providerId}, ${payment.status}, ${payment.amount},
      ${payment.currency}, ${payment.captured}, 0, NULL, o.stamp, ${written.now}, ${written.now}
    FROM orders AS o WHERE o.id = ${payment.orderId} AND o.stamp = ${written.stamp} ON CONFLICT DO NOTHING`,
];

export const failPayment = (payment: Payment, written: Written): Sql => sql`
  UPDATE payments SET status = 'failed', stamp = ${written.stamp}, updated_at = ${written.now}
  WHERE id = ${payment.id} AND status = 'open' AND ${won(payment.orderId, written)}`;

/**
 * Promises money back, or writes down what went back by itself. What a payment has promised is never more than it has
 * captured: the sum is asked once more here, and a refund is only written beside a payment that took it on.
 */
export function promiseRefunds(refunds: Refund[], written: Written): Sql[] {
  const { stamp, now } = written;
  const rows = each(refunds);
  return [
    sql`UPDATE payments SET refunded = payments.refunded + (row.value ->> 'amount'), stamp = ${stamp}, updated_at = ${now}
      FROM ${rows} AS row
      WHERE payments.id = row.value ->> 'paymentId'
        AND payments.refunded + (row.value ->> 'amount') <= payments.captured AND ${wonByRow(written)}`,
    sql`INSERT INTO refunds (id, payment_id, order_id, amount, currency, state, reason, provider_id, created_at,
        updated_at)
      SELECT row.value ->> 'id', p.id, row.value ->> 'orderId', row.value ->> 'amount', row.value ->> 'currency',
        row.value ->> 'state', row.value ->> 'reason', row.value ->> 'providerId', ${now}, ${now}
      FROM ${rows} AS row JOIN payments AS p ON p.id = row.value ->> 'paymentId' AND p.stamp = ${stamp}
      WHERE ${wonByRow(written)}`,
  ];
}

/** Moves a refund on; one that failed gives its sum back to the payment, so that it can be asked for again. */
export function markRefund(
  { row, to, providerId }: { row: Refund; to: Refund["state"]; providerId: string | null },
  written: Written,
): Sql[] {
  const orderIsWon = won(row.orderId, written);
  const marked = sql`
    UPDATE refunds SET state = ${to}, provider_id = coalesce(provider_id, ${providerId}), updated_at = ${written.now}
    WHERE id = ${row.id} AND ${orderIsWon}`;
  if (to !== "failed") return [marked];
  const freed = sql`
    UPDATE payments SET refunded = refunded - ${row.amount}, stamp = ${written.stamp}, updated_at = ${written.now}
    WHERE id = ${row.paymentId} AND ${orderIsWon}`;
  return [marked, freed];
}

/** The stores that a revived order takes stock from now. */
export function writeStores(orderId: string, items: OrderItem[], written: Written): Sql[] {
  const stores = [...new Set(items.flatMap((item) => item.allocations.map(({ store_id }) => store_id)))];
  return [
    // Its key begins with the store: a few stores are looked for, and not all of the orders.
    sql`DELETE FROM order_stores
      WHERE store_id IN (SELECT id FROM stores) AND order_id = ${orderId} AND ${won(orderId, written)}`,
    sql`INSERT INTO order_stores (store_id, order_id) SELECT row.value, o.id
      FROM ${each(stores)} AS row JOIN orders AS o ON o.id = ${orderId} AND o.stamp = ${written.stamp}`,
  ];
}
