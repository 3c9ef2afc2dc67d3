import type { Guard, NewWork } from "../events/append.ts";
import { ring } from "../events/work.ts";
import type { OrderStatus, PaymentStatus } from "../orders/lifecycle.ts";
import { type Moved, moveOrders } from "../orders/move.ts";
import type { OrderItem } from "../orders/order.ts";
import type { Context } from "../platform/context.ts";
import { type Money, type Payment, type PaymentEvent, paymentStatusOf, type Refund } from "./money.ts";
import { noticesOf } from "./notices.ts";
import {
  capture,
  closeEvent,
  failPayment,
  markRefund,
  promiseRefunds,
  reallocate,
  writeFate,
  writeOrder,
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
  /** A command's id, for its repeat to recognise its effect. */
  operation?: string;
  to?: OrderStatus;
  /** For a status that no captured money decides. */
  paymentStatus?: PaymentStatus;
  /** The payment event that this works off: it must still be `from`, which is `owed` where it is left out. */
  closes?: {
    event: PaymentEvent;
    from?: "owed" | "flagged";
    state: "done" | "flagged";
    outcome: string;
  };
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
  work?: NewWork[];
}

/**
 * One stamped batch from the version of the order that was read. Every change of an order's money is a version of the
 * order, so what `money` says still stands where this wins; what it does not win writes nothing. What a person must
 * see to is owed to them as a letter by the same batch.
 */
export async function changeMoney(context: Context, money: Money, change: Change): Promise<Moved> {
  const { order } = money;
  const { env, clock } = context;
  const now = clock.now();
  const { closes, captured, failed, promised, refund, fate } = change;
  const status = change.to ?? order.status;
  const after = afterwards(money, change, status);
  const notices = noticesOf(context, money, change);
  const [moved] = await moveOrders(context, [{ order, reason: change.reason }], {
    ...(change.to === undefined ? {} : { to: change.to }),
    event: change.event,
    data: { ...change.data, payment_status: after },
    operation: change.operation ?? null,
    guard: guardOf(change),
    first: (nonce) =>
      fate ? [writeFate(env.DB, order, { ...fate, nonce, now, closes: closes?.event })] : [],
    besides: (nonce) => [
      // Before the event is closed: whether it was counted as owed is in its row.
      writeOrder(env.DB, {
        id: order.id,
        nonce,
        paymentStatus: after,
        claim: fate?.fate === "placed" ? fate.claim : null,
        paid: status === "confirmed",
        closes: closes?.event,
      }),
      ...(captured ? capture(env.DB, captured, nonce, now) : []),
      ...(failed ? [failPayment(env.DB, failed, nonce, now)] : []),
      ...(promised ? promiseRefunds(env.DB, promised, nonce, now) : []),
      ...(refund ? markRefund(env.DB, refund, nonce, now) : []),
      ...(fate?.fate === "placed" ? reallocate(env.DB, order.id, fate.items, nonce) : []),
      ...(closes ? [closeEvent(env.DB, { ...closes, orderId: order.id, nonce })] : []),
    ],
    work: [...(change.work ?? []), ...notices],
  });
  if (!moved) throw new Error(`order ${order.id} vanished`);
  if (moved.won && notices.length > 0) context.defer(ring(context, notices));
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

/** What must hold besides the order's version, in SQL over `orders`; one JSON parameter tells it what of. */
function guardOf({ closes, captured, promised = [], refund, fate }: Change): Guard {
  const conditions: string[] = [];
  if (closes) {
    conditions.push(
      `EXISTS (SELECT 1 FROM payment_events AS e WHERE e.provider = ?6 ->> 'provider'
         AND e.event_id = ?6 ->> 'event_id' AND e.state = ?6 ->> 'event_state')`,
    );
  }
  const ofOlder = promised.filter(({ paymentId }) => paymentId !== captured?.id);
  if (ofOlder.length > 0) {
    conditions.push(
      `NOT EXISTS (SELECT 1 FROM json_each(?6 -> 'promised') AS r
         LEFT JOIN payments AS p ON p.id = r.value ->> 'payment_id'
         WHERE p.id IS NULL OR p.refunded + (r.value ->> 'amount') > p.captured)`,
    );
  }
  if (refund) {
    conditions.push(
      `EXISTS (SELECT 1 FROM refunds AS r WHERE r.id = ?6 ->> 'refund'
         AND r.state IN (SELECT value FROM json_each(?6 -> 'from')))`,
    );
  }
  if (fate) {
    conditions.push("EXISTS (SELECT 1 FROM claims AS c WHERE c.id = ?6 ->> 'claim' AND c.stamp = ?3)");
  }
  if (conditions.length === 0) return { sql: "true", parameters: [] };
  const facts = {
    provider: closes?.event.provider,
    event_id: closes?.event.eventId,
    event_state: closes?.from ?? "owed",
    promised: ofOlder.map(({ paymentId, amount }) => ({ payment_id: paymentId, amount })),
    refund: refund?.row.id,
    from: refund?.from,
    claim: fate?.claim,
  };
  return { sql: conditions.join(" AND "), parameters: [JSON.stringify(facts)] };
}
