import type { PaymentStatus } from "../orders/lifecycle.ts";
import type { Order, OrderItem } from "../orders/order.ts";
import { spentBy } from "../orders/place/cart-guard.ts";
import { wonOrder } from "../orders/steps/stamped.ts";
import { each, type Sql, sql, trusted } from "../platform/sql.ts";
import type { Payment, PaymentEvent, Refund } from "./money.ts";

/**
 * The stamp of the commit that writes, and its time. All statements here except the fate's are joined on this stamp of the order, so that they
 * write nothing where the commit did not win the order.
 */
export interface Written {
  stamp: string;
  now: number;
}

const isEvent = ({ provider, eventId }: Pick<PaymentEvent, "provider" | "eventId">): Sql =>
  sql`e.provider = ${provider} AND e.event_id = ${eventId}`;

/** SQL: whether `orders.events_owed` counts the event. One that was set aside, or waits, is not counted any more. */
const COUNTED = sql`e.state = 'owed' AND e.order_id IS NOT NULL AND e.outcome IS NULL`;

/** SQL: whether the commit has won the order with this id. */
const won = (id: string, { stamp }: Written): Sql => wonOrder(sql`${id}`, stamp);

/** The same for rows of a list that have an `orderId`. */
const wonByRow = ({ stamp }: Written): Sql => wonOrder(trusted("row.value ->> 'orderId'"), stamp);

/**
 * Writes the fate of a late payment's claim, by an insert that yields. Its conditions are those under which the next
 * statement wins the order, so there is never a fate without its order, nor a revived order without its fate. An order
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
  const cartIsFree = sql`NOT EXISTS (${spentBy(sql`o.cart_id`, sql`1`, sql`o.id`)})`;
  return sql`
    INSERT INTO claims (id, fate, order_id, stamp, decided_at)
    SELECT ${claim}, ${fate}, o.id, ${stamp}, ${now} FROM orders AS o
    WHERE o.id = ${order.id} AND o.version = ${order.version} AND o.status = 'expired' AND o.claim_id = ${order.claimId}
      AND ${owed} AND ${fate === "placed" ? cartIsFree : sql`true`}
    ON CONFLICT DO NOTHING`;
}

export interface OrderAfter {
  paymentStatus: PaymentStatus;
  /** The claim that the order names from now on; null leaves it. */
  claim: string | null;
  /** The order waits for no payment any more, so it has no deadline. */
  paid: boolean;
  /** The event that the change works off. It must be closed after this statement, which reads whether it is counted. */
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
  /** The state that it must still be in; `owed` when left out. */
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

/** Counts an event on its order no longer, if it was counted. The event must be changed after this statement. */
export const takeOffOrder = (event: PaymentEvent, orderId: string): Sql => sql`
  UPDATE orders SET events_owed = max(0, events_owed - 1)
  WHERE id = ${orderId} AND EXISTS (SELECT 1 FROM payment_events AS e WHERE ${isEvent(event)} AND ${COUNTED})`;

/** Closes an event that changes nothing of its order's money, whatever else changes the order at the same time. */
export const closeWithoutEffect = (event: PaymentEvent, orderId: string, outcome: string): Sql[] => [
  takeOffOrder(event, orderId),
  sql`UPDATE payment_events AS e SET state = 'done', outcome = ${outcome}, order_id = ${orderId}
    WHERE ${isEvent(event)} AND e.state = 'owed'`,
];

/** Captures a payment that we opened, or writes a new row for one that we did not. */
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

/** Whether these refunds are within what their payments captured: a guard of the statement that wins the order. */
export const fitsCaptured = (refunds: Refund[]): Sql => sql`NOT EXISTS (SELECT 1 FROM ${each(refunds)} AS r
      LEFT JOIN payments AS p ON p.id = r.value ->> 'paymentId'
      WHERE p.id IS NULL OR p.refunded + (r.value ->> 'amount') > p.captured)`;

/** An order has money that is due to go back, from the promise on. */
export const writeRefundDue = (orderId: string, { stamp }: Written): Sql =>
  sql`UPDATE orders SET payment_status = 'refund_due' WHERE id = ${orderId} AND stamp = ${stamp}`;

/**
 * Promises refunds, or records those that were made at the provider. So that a payment never promises more than it captured,
 * the first statement checks the sum once more, and the second writes only refunds whose payment the first has changed.
 */
export function promiseRefunds(refunds: Refund[], written: Written): Sql[] {
  const { stamp, now } = written;
  const rows = each(refunds);
  return [
    sql`UPDATE payments SET refunded = payments.refunded + (row.value ->> 'amount'), stamp = ${stamp}, updated_at = ${now}
      FROM ${rows} AS row
      WHERE payments.id = row.value ->> 'paymentId'
        AND payments.refunded + (row.value ->> 'amount') <= payments.captured AND ${wonByRow(written)}`,
    sql`INSERT INTO refunds (id, payment_id, order_id, amount, currency, state, reason, provider_id, items, created_at,
        updated_at)
      SELECT row.value ->> 'id', p.id, row.value ->> 'orderId', row.value ->> 'amount', row.value ->> 'currency',
        row.value ->> 'state', row.value ->> 'reason', row.value ->> 'providerId', row.value ->> 'items', ${now}, ${now}
      FROM ${rows} AS row JOIN payments AS p ON p.id = row.value ->> 'paymentId' AND p.stamp = ${stamp}
      WHERE ${wonByRow(written)}`,
  ];
}

/** Moves a refund on. If it failed, its sum is free again, so that another refund of it can be requested. */
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

/** Writes the stores that a revived order takes its stock from. */
export function writeStores(orderId: string, items: OrderItem[], written: Written): Sql[] {
  const stores = [...new Set(items.flatMap((item) => item.allocations.map(({ store_id }) => store_id)))];
  return [
    // The key begins with the store, so naming all stores, which are few, lets SQLite search it instead of reading it all.
    sql`DELETE FROM order_stores
      WHERE store_id IN (SELECT id FROM stores) AND order_id = ${orderId} AND ${won(orderId, written)}`,
    sql`INSERT INTO order_stores (store_id, order_id) SELECT row.value, o.id
      FROM ${each(stores)} AS row JOIN orders AS o ON o.id = ${orderId} AND o.stamp = ${written.stamp}`,
  ];
}
