import type { NewTask } from "../events/append.ts";
import { noticeTask } from "../events/notice.ts";
import type { Context } from "../platform/context.ts";
import { formatMoney, isCurrency, type MoneyWire } from "../platform/money.ts";
import type { Money, PaymentEvent, Refund } from "./money.ts";

/** Of a change of money, what may be worth a letter. */
interface EventFacts {
  reason: string | null;
  closes?: { event: PaymentEvent; state: "done" | "flagged"; outcome: string };
  refund?: { row: Refund; to: "sent" | "settled" | "failed" };
}

const KINDS: Record<PaymentEvent["kind"], string> = {
  succeeded: "a payment",
  failed: "a failed payment",
  canceled: "a cancelled payment",
  refunded: "a refund",
  refund_failed: "a failed refund",
};

const CAUSES: Record<string, string> = {
  wrong_amount: "that is not what the order costs",
  wrong_currency: "that is not the order's currency",
  unknown_refund: "no refund of the order's is meant by that, or what is left of its payments is less",
};

/**
 * The letters to `ADMIN_EMAIL` that a change of money owes: one for an event that is put before staff, one for a refund
 * that came to nothing. None where nobody is named to read them.
 */
export function noticesOf(context: Context, { order }: Money, change: EventFacts): NewTask[] {
  const { closes, refund } = change;
  const total = sayMoney(order.total, order.currency);
  const stands = `The order is ${order.status}, its total ${total}, its payment ${order.paymentStatus}.`;
  const notices: NewTask[] = [];
  if (closes?.state === "flagged") {
    const { event, outcome } = closes;
    notices.push(
      ...noticeTask(context, order.id, {
        subject: `A payment event for ${order.reference} needs your attention`,
        lines: [`${sayEvent(event, order.currency)}: ${CAUSES[outcome] ?? outcome} (${outcome}).`, stands],
      }),
    );
  }
  if (refund?.to === "failed") {
    const { id, paymentId, amount, currency } = refund.row;
    notices.push(
      ...noticeTask(context, order.id, {
        subject: `A refund for ${order.reference} failed`,
        lines: [
          `The refund ${id} of ${sayMoney(amount, currency)}, of the payment ${paymentId}: ${change.reason}.`,
          "It is not tried again by itself. Its sum is free to be refunded anew.",
          stands,
        ],
      }),
    );
  }
  return notices;
}

/** The letter for an event whose order nobody knows, owed by the batch that keeps it for staff. */
export const unmatchedNotice = (context: Context, event: PaymentEvent): NewTask[] =>
  noticeTask(context, event.eventId, {
    subject: "A payment event names no order",
    lines: [
      `${sayEvent(event, null)}: no order has the reference "${event.reference}".`,
      "Match it to its order, and it is worked off.",
    ],
  });

const sayEvent = ({ provider, eventId, kind, amount, currency }: PaymentEvent, orders: string | null) =>
  `${provider} told of ${KINDS[kind]} of ${sayMoney(amount, currency ?? orders)} in its event ${eventId}`;

function sayMoney(amount: number, currency: string | null): string {
  const money = moneyTold(amount, currency);
  return money
    ? `${money.amount} ${money.currency}`
    : `${amount} minor units of ${currency ?? "some currency"}`;
}

/** What a provider told, as a decimal. Null in a currency that it did not name, or that does not exist. */
export function moneyTold(amount: number, currency: string | null): MoneyWire | null {
  const code = currency?.toUpperCase() ?? "";
  return isCurrency(code) ? formatMoney({ amount, currency: code }) : null;
}
