import type { NewTask } from "../events/append.ts";
import { wakeUp } from "../events/work.ts";
import { writeAllocations } from "../orders/fulfilment/write-allocations.ts";
import type { OrderStatus, PaymentStatus } from "../orders/lifecycle.ts";
import { type Moved, moveOrders } from "../orders/move.ts";
import type { OrderItem } from "../orders/order.ts";
import { wonOrder } from "../orders/stamped.ts";
import type { Context } from "../platform/context.ts";
import type { Operation } from "../platform/idempotency.ts";
import { allOf, each, type Sql, sql } from "../platform/sql.ts";
import { type Money, type Payment, paymentStatusOf, type Refund } from "./money.ts";
import { noticesOf } from "./notices.ts";
import {
  type ClosedEvent,
  capture,
  closeEvent,
  failPayment,
  markRefund,
  promiseRefunds,
  writeFate,
  writeOrder,
  writeStores,
} from "./statements.ts";

/**
 * How often a change of money that lost its order to another looks again. Each loss means that another went on, and
 * many may be at one order at once: giving up after a provider has paid would ask it again.
 */
export const MAX_TRIES = 64;

/** One change of an order's money, with all that it brings about. What is left out stays. */
export interface Change {
  event: string;
  reason: string | null;
  data: Record<string, unknown>;
  /** A command, for its repeat to recognise its effect, and what it is answered with once this is made. */
  operation?: Operation;
  answer?: { status: number; body: object };
  to?: OrderStatus;
  /** For a status that no captured money decides. */
  paymentStatus?: PaymentStatus;
  /** The payment event that this works off: it must still be `from`, which is `owed` where it is left out. */
  closes?: ClosedEvent;
  /** A payment as it is once its money was taken; a new row where there is none of its id. */
  captured?: Payment;
  failed?: Payment;
  /**
   * New refunds of payments that were captured before, or by this very change, due or already settled. At most one for
   * each payment.
   */
  promised?: Refund[];
  /** A refund that goes on, and from where it may. */
  refund?: {
    row: Refund;
    from: Refund["state"][];
    to: "sent" | "settled" | "failed";
    providerId: string | null;
  };
  /** The fate of the claim that a late payment opened, from an order that is expired still. */
  fate?: { claim: string; fate: "placed"; items: OrderItem[] } | { claim: string; fate: "rejected" };
  work?: NewTask[];
}

/**
 * One stamped batch from the version of the order that was read. Every change of an order's money is a version of the
 * order, so what `money` says still stands where this wins; what it does not win writes nothing. What a person must
 * see to is owed to them as a letter by the same batch.
 */
export async function changeMoney(context: Context, money: Money, change: Change): Promise<Moved> {
  const { order } = money;
  const now = context.clock.now();
  const { closes, captured, failed, promised, refund, fate, operation, answer } = change;
  const status = change.to ?? order.status;
  const after = afterwards(money, change, status);
  const notices = noticesOf(context, money, change);
  const [moved] = await moveOrders(context, [{ order, reason: change.reason }], {
    ...(change.to === undefined ? {} : { to: change.to }),
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
        ...(operation && answer
          ? operation.answer(answer.status, answer.body, wonOrder(sql`${order.id}`, stamp))
          : []),
      ];
    },
    tasks: [...(change.work ?? []), ...notices],
  });
  if (!moved) throw new Error(`order ${order.id} vanished`);
  if (moved.won && operation && answer) operation.answered = true;
  if (moved.won && notices.length > 0) context.defer(wakeUp(context, notices));
  return moved;
}

/** The order's payment status once the change is made. */
function afterwards(money: Money, change: Change, status: OrderStatus): PaymentStatus {
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

/** What must hold besides the order's version, in SQL. */
function guardOf({ closes, captured, promised = [], refund, fate }: Change, stamp: string): Sql {
  const conditions: Sql[] = [];
  if (closes) {
    const { event, from = "owed" } = closes;
    conditions.push(sql`EXISTS (SELECT 1 FROM payment_events AS e
      WHERE e.provider = ${event.provider} AND e.event_id = ${event.eventId} AND e.state = ${from})`);
  }
  const ofOlder = promised.filter(({ paymentId }) => paymentId !== captured?.id);
  if (ofOlder.length > 0) {
    conditions.push(sql`NOT EXISTS (SELECT 1 FROM ${each(ofOlder)} AS r
      LEFT JOIN payments AS p ON p.id = r.value ->> 'paymentId'
      WHERE p.id IS NULL OR p.refunded + (r.value ->> 'amount') > p.captured)`);
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
