import { isLiving, type PaymentStatus } from "../orders/lifecycle.ts";
import type { Order } from "../orders/order.ts";
import { spentBy } from "../orders/place/cart-guard.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "../orders/rows.ts";
import { dueFor } from "../orders/units.ts";
import { columnsOf, selectList } from "../platform/columns.ts";
import type { Context } from "../platform/context.ts";
import { batch, type Sql, sql, trusted } from "../platform/sql.ts";
import { PAYMENT_COLUMNS } from "./list-payments.ts";
import { paymentEvents, type payments, refunds } from "./tables.ts";

export type Payment = typeof payments.$inferSelect;
export type Refund = typeof refunds.$inferSelect;
export type PaymentEvent = typeof paymentEvents.$inferSelect;

/** An order with all the money that came for it and went back, of one moment. Minor units of the order's currency. */
export interface Money {
  order: Order;
  /** Oldest first, as the refunds. */
  payments: Payment[];
  refunds: Refund[];
}

/** The claim that a payment for an expired order tries with, next to its order: the order's own, until that let go. */
export interface RevivalTry {
  claim: string;
  /** None yet: its holds may be built on. */
  fate: "placed" | "rejected" | "abandoned" | null;
  /** Another living order names the cart that the order came from. */
  cartSpent: boolean;
}

/** A payment event with the order that it is about, as D1 has them at one moment. */
export interface EventFacts {
  event: PaymentEvent;
  /** Null where no order is known to be meant. */
  about: { money: Money; trial: RevivalTry } | null;
  /** False from a restore until its reconciliation has ended, or while an admin has stopped it. */
  selling: boolean;
}

const REFUND_COLUMNS = trusted(selectList(columnsOf(refunds), "r"));
const EVENT_COLUMNS = trusted(selectList(columnsOf(paymentEvents), "e"));

/** The order's money. @param orderId SQL for the order's id */
const moneyStatements = (orderId: Sql) => ({
  orders: sql<OrderRow>`SELECT ${trusted(ORDER_COLUMNS)} FROM orders AS o WHERE o.id = (${orderId})`,
  payments: sql<Payment>`SELECT ${trusted(PAYMENT_COLUMNS)} FROM payments AS p
    WHERE p.order_id = (${orderId}) ORDER BY p.created_at, p.id`,
  refunds: sql<Refund>`SELECT ${REFUND_COLUMNS} FROM refunds AS r
    WHERE r.order_id = (${orderId}) ORDER BY r.created_at, r.id`,
});

function moneyOf(rows: { orders: OrderRow[]; payments: Payment[]; refunds: Refund[] }): Money | null {
  const [row] = rows.orders;
  return row ? { order: orderOf(row), payments: rows.payments, refunds: rows.refunds } : null;
}

const readMoney = async ({ env }: Context, orderId: Sql): Promise<Money | null> =>
  moneyOf(await batch(env.DB, moneyStatements(orderId)));

export const readMoneyOfOrder = (context: Context, orderId: string) => readMoney(context, sql`${orderId}`);

export const readMoneyOfPayment = (context: Context, paymentId: string) =>
  readMoney(context, sql`SELECT order_id FROM payments WHERE id = ${paymentId}`);

export const readMoneyOfRefund = (context: Context, refundId: string) =>
  readMoney(context, sql`SELECT order_id FROM refunds WHERE id = ${refundId}`);

/**
 * The order that an event names; where it is not known to be about one, its reference is looked up again, and after
 * that the provider's name for the payment.
 */
const namedOrder = (provider: string, eventId: string): Sql => sql`SELECT coalesce(e.order_id,
    (SELECT o.id FROM orders AS o WHERE o.reference = upper(e.reference)),
    (SELECT o.id FROM orders AS o WHERE o.id = e.reference),
    (SELECT p.order_id FROM payments AS p WHERE p.provider = e.provider AND p.provider_id = e.provider_id))
  FROM payment_events AS e WHERE e.provider = ${provider} AND e.event_id = ${eventId}`;

/** Reads one event by the name that its provider gave it. */
export const selectEvent = (provider: string, eventId: string) => sql<PaymentEvent>`
  SELECT ${EVENT_COLUMNS} FROM payment_events AS e WHERE e.provider = ${provider} AND e.event_id = ${eventId}`;

/** An event, its order and all of that order's money, in one round trip. Null when there is no such event. */
export async function readEventFacts(
  context: Context,
  provider: string,
  eventId: string,
): Promise<EventFacts | null> {
  const orderId = namedOrder(provider, eventId);
  const rows = await batch(context.env.DB, {
    ...moneyStatements(orderId),
    trials: sql<Omit<RevivalTry, "cartSpent"> & { cart_spent: number }>`
      SELECT c.id AS claim, f.fate, c.cart_spent FROM (
        SELECT coalesce(o.revival_claim, o.claim_id) AS id,
          EXISTS (${trusted(spentBy("o.cart_id", "1", "o.id"))}) AS cart_spent
        FROM orders AS o WHERE o.id = (${orderId})) AS c LEFT JOIN claims AS f ON f.id = c.id`,
    closed: sql`SELECT 1 FROM shop_state WHERE key = 'selling' AND value <> 'open'`,
    events: selectEvent(provider, eventId),
  });
  const money = moneyOf(rows);
  const [tried] = rows.trials;
  const trial = tried && { claim: tried.claim, fate: tried.fate, cartSpent: tried.cart_spent === 1 };
  const selling = rows.closed.length === 0;
  const [event] = rows.events;
  return event ? { event, about: money && trial ? { money, trial } : null, selling } : null;
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
