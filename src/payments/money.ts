import { isLiving, type PaymentStatus } from "../orders/lifecycle.ts";
import type { Order } from "../orders/order.ts";
import { spentBy } from "../orders/place/cart-guard.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "../orders/rows.ts";
import { dueFor } from "../orders/units.ts";
import { columnsOf, selectList } from "../platform/columns.ts";
import type { Context } from "../platform/context.ts";
import { batch, type Sql, sql } from "../platform/sql.ts";
import { paymentEvents, payments, refunds } from "./tables.ts";
import { selectWaiting } from "./waiting.ts";

/** Rows of the tables: amounts in minor units, times in milliseconds. */
export type Payment = typeof payments.$inferSelect;
export type Refund = typeof refunds.$inferSelect;
export type PaymentEvent = typeof paymentEvents.$inferSelect;

/** The key of an event. */
export type EventName = Pick<PaymentEvent, "provider" | "eventId">;

/** An order with all its payments and refunds, as of one moment. */
export interface Money {
  order: Order;
  /** Oldest first, like the refunds. */
  payments: Payment[];
  refunds: Refund[];
}

/** The claim that the late payments of an order try with: the order's own claim until that has let go. */
export interface RevivalClaim {
  claim: string;
  /** Null while it is not decided: then its holds can still be used. */
  fate: "placed" | "rejected" | "abandoned" | null;
  /** Another living order names the cart that the order came from. */
  cartSpent: boolean;
}

/** A payment event with the order that it is about, as D1 has them at one moment. */
export interface EventFacts {
  event: PaymentEvent;
  /** Null where no order is known that it is about. */
  about: { money: Money; revival: RevivalClaim } | null;
  /** Events that wait for what this one may tell. */
  waiting: EventName[];
  /** False while an admin has stopped selling, and from a restore until its reconciliation has ended. */
  selling: boolean;
}

/** The columns of a `Payment`, for SQL over `payments AS p`. */
export const PAYMENT_COLUMNS = selectList(columnsOf(payments), "p");
export const REFUND_COLUMNS = selectList(columnsOf(refunds), "r");
const EVENT_COLUMNS = selectList(columnsOf(paymentEvents), "e");

/** Reads an order's money. @param orderId SQL for the order's id */
const moneyStatements = (orderId: Sql) => ({
  orders: sql<OrderRow>`SELECT ${ORDER_COLUMNS} FROM orders AS o WHERE o.id = (${orderId})`,
  payments: sql<Payment>`SELECT ${PAYMENT_COLUMNS} FROM payments AS p
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

/** SQL for the order that an event is about: the one that was found before, or by its reference, or by its payment. */
const namedOrder = (provider: string, eventId: string): Sql => sql`SELECT coalesce(e.order_id,
    (SELECT o.id FROM orders AS o WHERE o.reference = upper(e.reference)),
    (SELECT o.id FROM orders AS o WHERE o.id = e.reference),
    (SELECT p.order_id FROM payments AS p WHERE p.provider = e.provider AND p.provider_id = e.provider_id))
  FROM payment_events AS e WHERE e.provider = ${provider} AND e.event_id = ${eventId}`;

/** Reads one event by the name that its provider gave it. */
export const selectEvent = (provider: string, eventId: string) => sql<PaymentEvent>`
  SELECT ${EVENT_COLUMNS} FROM payment_events AS e WHERE e.provider = ${provider} AND e.event_id = ${eventId}`;

/** Reads an event with its order and all of that order's money, in one round trip. Null when there is no such event. */
export async function readEventFacts(
  context: Context,
  provider: string,
  eventId: string,
): Promise<EventFacts | null> {
  const orderId = namedOrder(provider, eventId);
  const rows = await batch(context.env.DB, {
    ...moneyStatements(orderId),
    revivals: sql<Omit<RevivalClaim, "cartSpent"> & { cart_spent: number }>`
      SELECT c.id AS claim, f.fate, c.cart_spent FROM (
        SELECT coalesce(o.revival_claim, o.claim_id) AS id,
          EXISTS (${spentBy(sql`o.cart_id`, sql`1`, sql`o.id`)}) AS cart_spent
        FROM orders AS o WHERE o.id = (${orderId})) AS c LEFT JOIN claims AS f ON f.id = c.id`,
    closed: sql`SELECT 1 FROM shop_state WHERE key = 'selling' AND value <> 'open'`,
    waiting: selectWaiting({ provider, eventId }, orderId),
    events: selectEvent(provider, eventId),
  });
  const money = moneyOf(rows);
  const [tried] = rows.revivals;
  const revival = tried && { claim: tried.claim, fate: tried.fate, cartSpent: tried.cart_spent === 1 };
  const selling = rows.closed.length === 0;
  const [event] = rows.events;
  if (!event) return null;
  return { event, about: money && revival ? { money, revival } : null, waiting: rows.waiting, selling };
}

const sum = (amounts: number[]): number => amounts.reduce((total, amount) => total + amount, 0);

/** Whether its money counts for its order. */
export const isOfOrder = ({ status }: Payment): boolean => status !== "given_back";

/** The captured sum less all refunds that are due, sent or settled. */
export const leftOf = (payment: Payment): number => payment.captured - payment.refunded;

/**
 * The payment status that an order's payments and refunds give it. It is `refund_due` from the moment that a refund is
 * promised until all refunds are settled, and as long as a dead order's money is here. After that it is `refunded` if
 * nothing is kept; `paid` if the total is kept, or if one payment of all that is due stands whole (a second payment went
 * back); and `partially_refunded` otherwise. An order for which nothing was captured keeps its status. Payments that staff
 * gave back do not count.
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
