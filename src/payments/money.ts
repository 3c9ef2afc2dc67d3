import { isLiving, type PaymentStatus } from "../orders/lifecycle.ts";
import type { Order } from "../orders/order.ts";
import { spentBy } from "../orders/place/cart-guard.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "../orders/rows.ts";
import { dueFor } from "../orders/units.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import type { paymentEvents, payments, refunds } from "./tables.ts";

export type Payment = typeof payments.$inferSelect;
export type Refund = typeof refunds.$inferSelect;
export type PaymentEvent = typeof paymentEvents.$inferSelect & {
  /** Which of our refunds a `refunded` event names; null where the provider does not say. */
  refundId: string | null;
};

/** An order with all the money that came for it and went back, of one moment. Minor units of the order's currency. */
export interface Money {
  order: Order;
  /** Oldest first, as the refunds. */
  payments: Payment[];
  refunds: Refund[];
}

/** The claim that a payment for an expired order tries with, next to its order: the order's own, until that let go. */
export interface Trial {
  claim: string;
  /** None yet: its holds may be built on. */
  fate: "placed" | "rejected" | "abandoned" | null;
  /** Another living order names the cart that the order came from. */
  cartSpent: boolean;
}

/** A payment event with the order that it is about, as D1 has them at one moment. */
export interface Told {
  event: PaymentEvent;
  /** Null where no order is known to be meant. */
  about: { money: Money; trial: Trial } | null;
  /** False from a restore until its reconciliation has ended, or while an admin has stopped it. */
  selling: boolean;
}

const PAYMENT_COLUMNS = `p.id, p.order_id AS orderId, p.provider, p.provider_id AS providerId, p.status, p.amount,
  p.currency, p.captured, p.refunded, p.client_secret AS clientSecret, p.stamp, p.created_at AS createdAt,
  p.updated_at AS updatedAt`;
const REFUND_COLUMNS = `r.id, r.payment_id AS paymentId, r.order_id AS orderId, r.amount, r.currency, r.state, r.reason,
  r.provider_id AS providerId, r.created_at AS createdAt, r.updated_at AS updatedAt`;

/** The order's money, whose order `sql` finds: an expression over its own parameters, from ?1. */
function moneyStatements(db: D1Database, sql: string, parameters: unknown[]): D1PreparedStatement[] {
  const bound = (query: string) => db.prepare(query).bind(...parameters);
  return [
    bound(`SELECT ${ORDER_COLUMNS} FROM orders AS o WHERE o.id = (${sql})`),
    bound(
      `SELECT ${PAYMENT_COLUMNS} FROM payments AS p WHERE p.order_id = (${sql}) ORDER BY p.created_at, p.id`,
    ),
    bound(
      `SELECT ${REFUND_COLUMNS} FROM refunds AS r WHERE r.order_id = (${sql}) ORDER BY r.created_at, r.id`,
    ),
  ];
}

function moneyOf(results: D1Result[]): Money | null {
  const [row] = rowsOf<OrderRow>(results, 0);
  if (!row) return null;
  return {
    order: orderOf(row),
    payments: rowsOf<Payment>(results, 1),
    refunds: rowsOf<Refund>(results, 2),
  };
}

const readMoney = async (context: Context, sql: string, id: string): Promise<Money | null> =>
  moneyOf(await context.env.DB.batch(moneyStatements(context.env.DB, sql, [id])));

export const readMoneyOfOrder = (context: Context, orderId: string) => readMoney(context, "?1", orderId);

export const readMoneyOfPayment = (context: Context, paymentId: string) =>
  readMoney(context, "SELECT order_id FROM payments WHERE id = ?1", paymentId);

export const readMoneyOfRefund = (context: Context, refundId: string) =>
  readMoney(context, "SELECT order_id FROM refunds WHERE id = ?1", refundId);

/**
 * The order that an event names; where it is not known to be about one, its reference is looked up again, and after
 * that the provider's name for the payment.
 */
const NAMED_ORDER = `SELECT coalesce(e.order_id,
    (SELECT o.id FROM orders AS o WHERE o.reference = upper(e.reference)),
    (SELECT o.id FROM orders AS o WHERE o.id = e.reference),
    (SELECT p.order_id FROM payments AS p WHERE p.provider = e.provider AND p.provider_id = e.provider_id))
  FROM payment_events AS e WHERE e.provider = ?1 AND e.event_id = ?2`;

/** An event, its order and all of that order's money, in one round trip. Null when there is no such event. */
export async function readTold(context: Context, provider: string, eventId: string): Promise<Told | null> {
  const { DB } = context.env;
  const results = await DB.batch([
    ...moneyStatements(DB, NAMED_ORDER, [provider, eventId]),
    DB.prepare(
      `SELECT c.id AS claim, f.fate, c.cart_spent FROM (
         SELECT coalesce(o.revival_claim, o.claim_id) AS id,
           EXISTS (${spentBy("o.cart_id", "1", "o.id")}) AS cart_spent
         FROM orders AS o WHERE o.id = (${NAMED_ORDER})) AS c LEFT JOIN claims AS f ON f.id = c.id`,
    ).bind(provider, eventId),
    DB.prepare("SELECT 1 FROM shop_state WHERE key = 'selling' AND value <> 'open'"),
    DB.prepare("SELECT * FROM payment_events WHERE provider = ?1 AND event_id = ?2").bind(provider, eventId),
  ]);
  const money = moneyOf(results);
  const [tried] = rowsOf<Omit<Trial, "cartSpent"> & { cart_spent: number }>(results, 3);
  const trial = tried && { claim: tried.claim, fate: tried.fate, cartSpent: tried.cart_spent === 1 };
  const selling = rowsOf(results, 4).length === 0;
  const [row] = rowsOf<EventRow>(results, 5);
  return row ? { event: eventOf(row), about: money && trial ? { money, trial } : null, selling } : null;
}

interface EventRow extends Pick<PaymentEvent, "provider" | "reference" | "kind" | "amount" | "currency"> {
  event_id: string;
  order_id: string | null;
  provider_id: string | null;
  refund_id?: string | null;
  state: PaymentEvent["state"];
  outcome: string | null;
  operation: string;
  stamp: string;
  received_at: number;
}

function eventOf(row: EventRow): PaymentEvent {
  const { provider, reference, kind, amount, currency, state, outcome, operation, stamp } = row;
  return {
    ...{ provider, reference, kind, amount, currency, state, outcome, operation, stamp },
    eventId: row.event_id,
    orderId: row.order_id,
    providerId: row.provider_id,
    refundId: row.refund_id ?? null,
    receivedAt: row.received_at,
  };
}

const sum = (amounts: number[]): number => amounts.reduce((total, amount) => total + amount, 0);

/** Whether what it took is its order's. */
export const isOfOrder = ({ status }: Payment): boolean => status !== "given_back";

/** What of a payment is neither back nor on its way back. */
export const leftOf = (payment: Payment): number => payment.captured - payment.refunded;

/**
 * What an order's payments and refunds make its payment status. `refund_due` from the moment that money is promised
 * until all of it is settled, and for as long as a dead order's money is here; then `refunded` where nothing is kept,
 * `paid` where its total is, or one payment of all that is due stands whole (a second payment went back), and else
 * `partially_refunded`. An order for which nothing
 * was ever taken keeps the status that it has. What staff gave back was not taken for it.
 */
export function paymentStatusOf(money: Money): PaymentStatus {
  const { order } = money;
  const payments = money.payments.filter(isOfOrder);
  const refunds = money.refunds.filter(({ paymentId }) => payments.some(({ id }) => id === paymentId));
  const captured = sum(payments.map((payment) => payment.captured));
  if (captured === 0) return order.paymentStatus;
  const back = refunds.filter(({ state }) => state === "settled");
  const settled = sum(back.map(({ amount }) => amount));
  const kept = captured - settled;
  if (refunds.some(({ state }) => state === "due" || state === "sent")) return "refund_due";
  if (kept <= 0) return "refunded";
  if (!isLiving(order.status)) return "refund_due";
  const standsWhole = (payment: Payment) =>
    payment.captured >= dueFor(order) && !back.some(({ paymentId }) => paymentId === payment.id);
  return settled === 0 || kept >= order.total || payments.some(standsWhole) ? "paid" : "partially_refunded";
}
