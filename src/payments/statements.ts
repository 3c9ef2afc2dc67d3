import type { PaymentStatus } from "../orders/lifecycle.ts";
import type { Order, OrderItem } from "../orders/order.ts";
import { spentBy } from "../orders/place/cart-guard.ts";
import { jsonParameter } from "../platform/d1.ts";
import type { Payment, PaymentEvent, Refund } from "./money.ts";

/**
 * The statements of a change of money. All but the fate are joined on the stamp of the order, which the batch has won
 * or not: what was not won writes nothing.
 */

/** Event by event: whether `orders.events_owed` counts it. One set aside was taken off that count before. */
const COUNTED = "e.state = 'owed' AND e.order_id IS NOT NULL AND e.outcome IS NULL";

/**
 * The fate of a late payment's claim, by an insert that yields. Its conditions are those under which the order is won
 * by the next statement, so there is never a fate without its order, nor an order revived without its fate. An order
 * whose cart another living order has spent meanwhile is not revived.
 */
export function writeFate(
  db: D1Database,
  order: Order,
  fate: {
    claim: string;
    fate: "placed" | "rejected";
    nonce: string;
    now: number;
    closes: PaymentEvent | undefined;
  },
): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO claims (id, fate, order_id, stamp, decided_at)
       SELECT ?1, ?2, o.id, ?3, ?4 FROM orders AS o
       WHERE o.id = ?5 AND o.version = ?6 AND o.status = 'expired' AND o.claim_id = ?7
         AND EXISTS (SELECT 1 FROM payment_events AS e
           WHERE e.provider = ?8 AND e.event_id = ?9 AND e.state = 'owed')
         AND (?2 <> 'placed' OR NOT EXISTS (${spentBy("o.cart_id", "1", "o.id")}))
       ON CONFLICT DO NOTHING`,
    )
    .bind(
      fate.claim,
      fate.fate,
      fate.nonce,
      fate.now,
      order.id,
      order.version,
      order.claimId,
      fate.closes?.provider ?? null,
      fate.closes?.eventId ?? null,
    );
}

export function writeOrder(
  db: D1Database,
  row: {
    id: string;
    nonce: string;
    paymentStatus: PaymentStatus;
    /** The claim that the order names from now on; null: the one that it has. */
    claim: string | null;
    /** Waits for no payment any more. */
    paid: boolean;
    closes: PaymentEvent | undefined;
  },
): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE orders SET payment_status = ?3, claim_id = coalesce(?4, claim_id),
         expires_at = CASE WHEN ?5 THEN NULL ELSE expires_at END,
         events_owed = max(0, events_owed - (SELECT count(*) FROM payment_events AS e
           WHERE e.provider = ?6 AND e.event_id = ?7 AND ${COUNTED}))
       WHERE id = ?1 AND stamp = ?2`,
    )
    .bind(
      row.id,
      row.nonce,
      row.paymentStatus,
      row.claim,
      row.paid ? 1 : 0,
      row.closes?.provider ?? null,
      row.closes?.eventId ?? null,
    );
}

const WON = (id: string, nonce: string) =>
  `EXISTS (SELECT 1 FROM orders AS o WHERE o.id = ${id} AND o.stamp = ${nonce})`;

export function closeEvent(
  db: D1Database,
  close: {
    event: PaymentEvent;
    from?: "owed" | "flagged";
    state: "done" | "flagged";
    outcome: string;
    orderId: string;
    nonce: string;
  },
): D1PreparedStatement {
  const { event, from = "owed" } = close;
  return db
    .prepare(
      `UPDATE payment_events SET state = ?3, outcome = ?4, order_id = ?5
       WHERE provider = ?1 AND event_id = ?2 AND state = ?7 AND ${WON("?5", "?6")}`,
    )
    .bind(event.provider, event.eventId, close.state, close.outcome, close.orderId, close.nonce, from);
}

/** An event that changes nothing but itself: it is closed where it stands, whatever its order goes through meanwhile. */
export function closeQuietly(
  db: D1Database,
  event: PaymentEvent,
  orderId: string,
  outcome: string,
): D1PreparedStatement[] {
  return [
    db
      .prepare(
        `UPDATE orders SET events_owed = max(0, events_owed - 1)
         WHERE id = ?1 AND EXISTS (SELECT 1 FROM payment_events AS e
           WHERE e.provider = ?2 AND e.event_id = ?3 AND ${COUNTED})`,
      )
      .bind(orderId, event.provider, event.eventId),
    db
      .prepare(
        `UPDATE payment_events SET state = 'done', outcome = ?3, order_id = ?4
         WHERE provider = ?1 AND event_id = ?2 AND state = 'owed'`,
      )
      .bind(event.provider, event.eventId, outcome, orderId),
  ];
}

/** Takes the money into a payment that we opened, or into a new row for one that we did not. */
export function capture(db: D1Database, payment: Payment, nonce: string, now: number): D1PreparedStatement[] {
  return [
    db
      .prepare(
        `UPDATE payments SET status = ?7, captured = ?3, provider_id = coalesce(provider_id, ?4), stamp = ?5,
           updated_at = ?6
         WHERE id = ?1 AND ${WON("?2", "?5")}`,
      )
      .bind(payment.id, payment.orderId, payment.captured, payment.providerId, nonce, now, payment.status),
    db
      .prepare(
        `INSERT INTO payments (id, order_id, provider, provider_id, status, amount, currency, captured, refunded,
           client_secret, stamp, created_at, updated_at)
         SELECT ?1, o.id, ?3, ?4, ?10, ?5, ?6, ?7, 0, NULL, o.stamp, ?9, ?9
         FROM orders AS o WHERE o.id = ?2 AND o.stamp = ?8 ON CONFLICT DO NOTHING`,
      )
      .bind(
        payment.id,
        payment.orderId,
        payment.provider,
        payment.providerId,
        payment.amount,
        payment.currency,
        payment.captured,
        nonce,
        now,
        payment.status,
      ),
  ];
}

export function failPayment(db: D1Database, payment: Payment, nonce: string, now: number) {
  return db
    .prepare(
      `UPDATE payments SET status = 'failed', stamp = ?3, updated_at = ?4
       WHERE id = ?1 AND status = 'open' AND ${WON("?2", "?3")}`,
    )
    .bind(payment.id, payment.orderId, nonce, now);
}

/**
 * Promises money back, or writes down what went back by itself. What a payment has promised is never more than it has captured: the sum is asked once more
 * here, and a refund is only written beside a payment that took it on.
 */
export function promiseRefunds(
  db: D1Database,
  refunds: Refund[],
  nonce: string,
  now: number,
): D1PreparedStatement[] {
  const rows = jsonParameter(refunds);
  return [
    db
      .prepare(
        `UPDATE payments SET refunded = payments.refunded + (row.value ->> 'amount'), stamp = ?2, updated_at = ?3
         FROM json_each(?1) AS row
         WHERE payments.id = row.value ->> 'paymentId'
           AND payments.refunded + (row.value ->> 'amount') <= payments.captured
           AND ${WON("row.value ->> 'orderId'", "?2")}`,
      )
      .bind(rows, nonce, now),
    db
      .prepare(
        `INSERT INTO refunds (id, payment_id, order_id, amount, currency, state, reason, provider_id, created_at,
           updated_at)
         SELECT row.value ->> 'id', p.id, row.value ->> 'orderId', row.value ->> 'amount', row.value ->> 'currency',
           row.value ->> 'state', row.value ->> 'reason', row.value ->> 'providerId', ?3, ?3
         FROM json_each(?1) AS row JOIN payments AS p ON p.id = row.value ->> 'paymentId' AND p.stamp = ?2
         WHERE ${WON("row.value ->> 'orderId'", "?2")}`,
      )
      .bind(rows, nonce, now),
  ];
}

/** Moves a refund on; one that failed gives its sum back to the payment, so that it can be asked for again. */
export function markRefund(
  db: D1Database,
  mark: { row: Refund; to: Refund["state"]; providerId: string | null },
  nonce: string,
  now: number,
): D1PreparedStatement[] {
  const { row } = mark;
  const marked = db
    .prepare(
      `UPDATE refunds SET state = ?3, provider_id = coalesce(provider_id, ?4), updated_at = ?6
       WHERE id = ?1 AND ${WON("?2", "?5")}`,
    )
    .bind(row.id, row.orderId, mark.to, mark.providerId, nonce, now);
  if (mark.to !== "failed") return [marked];
  const freed = db
    .prepare(
      `UPDATE payments SET refunded = refunded - ?3, stamp = ?4, updated_at = ?5
       WHERE id = ?1 AND ${WON("?2", "?4")}`,
    )
    .bind(row.paymentId, row.orderId, row.amount, nonce, now);
  return [marked, freed];
}

/** Where a revived order's units are held now. */
export function reallocate(
  db: D1Database,
  orderId: string,
  items: OrderItem[],
  nonce: string,
): D1PreparedStatement[] {
  const stores = [...new Set(items.flatMap((item) => item.allocations.map(({ store_id }) => store_id)))];
  return [
    db
      .prepare(
        `UPDATE order_items SET allocations = row.value -> 'allocations' FROM json_each(?1) AS row
         WHERE order_items.order_id = ?2 AND order_items.product_id = row.value ->> 'productId'
           AND ${WON("?2", "?3")}`,
      )
      .bind(jsonParameter(items), orderId, nonce),
    // Its key begins with the store: a few stores are looked for, and not all of the orders.
    db
      .prepare(
        `DELETE FROM order_stores WHERE store_id IN (SELECT id FROM stores) AND order_id = ?1 AND ${WON("?1", "?2")}`,
      )
      .bind(orderId, nonce),
    db
      .prepare(
        `INSERT INTO order_stores (store_id, order_id) SELECT row.value, o.id
         FROM json_each(?1) AS row JOIN orders AS o ON o.id = ?2 AND o.stamp = ?3`,
      )
      .bind(jsonParameter(stores), orderId, nonce),
  ];
}
