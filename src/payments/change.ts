import { wakeUp } from "../events/wake-up.ts";
import { writeAllocations } from "../orders/fulfilment/write-allocations.ts";
import type { HistoryKind, OrderStatus, PaymentStatus } from "../orders/lifecycle.ts";
import { type Moved, moveOrders } from "../orders/steps/move.ts";
import { wonOrder } from "../orders/steps/stamped.ts";
import type { Context } from "../platform/context.ts";
import { allOf, each, type Sql, sql } from "../platform/sql.ts";
import { type Money, paymentStatusOf } from "./money.ts";
import type { MoneyChange } from "./money-change.ts";
import { noticesOf } from "./notices.ts";
import {
  capture,
  closeEvent,
  failPayment,
  fitsCaptured,
  markRefund,
  promiseRefunds,
  writeFate,
  writeOrder,
  writeStores,
} from "./statements.ts";

/**
 * How often a change of money is tried again when another change won the order first. Each time another change succeeded,
 * and many may be at work on one order. Giving up after a provider has paid would ask the provider again.
 */
export const MAX_TRIES = 64;

/**
 * Makes a change of money in one stamped batch, from the version of the order that was read. Every change of an order's
 * money is a version of the order. So if the batch wins, what `money` says still stands; if not, nothing is written. The
 * same batch owes a notice of whatever a person must see to.
 */
export async function changeMoney(context: Context, money: Money, change: MoneyChange): Promise<Moved> {
  const { order } = money;
  const now = context.clock.now();
  const { closes, captured, failed, promised, refund, fate, operation, answer } = change;
  const status = change.to ?? order.status;
  const after = statusAfter(money, change, status);
  const notices = noticesOf(context, money, change);
  const [moved] = await moveOrders(context, [{ order, reason: change.reason }], {
    ...(change.to === undefined ? {} : { to: change.to }),
    kind: kindOf(change),
    event: change.event,
    data: { ...change.data, payment_status: after },
    operation: operation?.id ?? null,
    guard: (stamp) => guardOf(change, stamp),
    first: (stamp) => (fate ? [writeFate(order, fate, closes?.event, { stamp, now })] : []),
    besides: (stamp) => {
      const written = { stamp, now };
      const revived = fate?.fate === "placed" ? fate : null;
      const orderAfter = {
        paymentStatus: after,
        claim: revived?.claim ?? null,
        paid: status === "confirmed",
      };
      return [
        writeOrder(order.id, { ...orderAfter, closes: closes?.event }, written),
        ...(captured ? capture(captured, written) : []),
        ...(failed ? [failPayment(failed, written)] : []),
        ...(promised ? promiseRefunds(promised, written) : []),
        ...(refund ? markRefund(refund, written) : []),
        ...(revived ? [writeAllocations(order.id, revived.items, stamp)] : []),
        ...(revived ? writeStores(order.id, revived.items, written) : []),
        ...(closes ? [closeEvent(closes, order.id, written)] : []),
        answer && operation?.answer(answer.status, answer.body, wonOrder(sql`${order.id}`, stamp)),
      ];
    },
    tasks: [...(change.tasks ?? []), ...notices],
  });
  if (!moved) throw new Error(`order ${order.id} vanished`);
  if (moved.won && operation && answer) operation.answered = true;
  if (moved.won && notices.length > 0) context.defer(wakeUp(context, notices));
  return moved;
}

const kindOf = ({ to, promised, refund }: MoneyChange): HistoryKind =>
  to !== undefined ? "transition" : promised !== undefined || refund !== undefined ? "refund" : "payment";

/** The order's payment status after the change. */
function statusAfter(money: Money, change: MoneyChange, status: OrderStatus): PaymentStatus {
  const { captured, promised = [], refund } = change;
  if (!captured && promised.length === 0 && !refund) return change.paymentStatus ?? money.order.paymentStatus;
  const others = money.payments.filter(({ id }) => id !== captured?.id);
  return paymentStatusOf({
    order: { ...money.order, status },
    payments: captured ? [...others, captured] : others,
    refunds: [
      ...money.refunds.map((row) => (row.id === refund?.row.id ? { ...row, state: refund.to } : row)),
      ...promised,
    ],
  });
}

/** What must be true besides the order's version, in SQL. */
function guardOf({ closes, captured, promised = [], refund, fate }: MoneyChange, stamp: string): Sql {
  const conditions: Sql[] = [];
  if (closes) {
    const { event, from = "owed" } = closes;
    conditions.push(sql`EXISTS (SELECT 1 FROM payment_events AS e
      WHERE e.provider = ${event.provider} AND e.event_id = ${event.eventId} AND e.state = ${from})`);
  }
  const capturedBefore = promised.filter(({ paymentId }) => paymentId !== captured?.id);
  if (capturedBefore.length > 0) {
    conditions.push(fitsCaptured(capturedBefore));
  }
  if (refund) {
    conditions.push(sql`EXISTS (SELECT 1 FROM refunds AS r
      WHERE r.id = ${refund.row.id} AND r.state IN (SELECT value FROM ${each(refund.from)}))`);
  }
  if (fate) {
    conditions.push(
      sql`EXISTS (SELECT 1 FROM claims AS c WHERE c.id = ${fate.claim} AND c.stamp = ${stamp})`,
    );
  }
  return allOf(conditions);
}
