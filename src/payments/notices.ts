import type { NewTask } from "../events/append.ts";
import { noticeTask } from "../events/notice.ts";
import type { Context } from "../platform/context.ts";
import { formatMoney, isCurrency, type MoneyWire } from "../platform/money.ts";
import type { Money, PaymentEvent } from "./money.ts";
import type { MoneyChange } from "./money-change.ts";

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
 * The notices to `ADMIN_EMAIL` that a change of money owes: one for an event that is flagged, one for a refund that failed.
 * None if `ADMIN_EMAIL` is not set.
 */
export function noticesOf(context: Context, { order }: Money, change: MoneyChange): NewTask[] {
  const { closes, refund } = change;
  const total = describeMoney(order.total, order.currency);
  const stands = `The order is ${order.status}, its total ${total}, its payment ${order.paymentStatus}.`;
  const notices: NewTask[] = [];
  if (closes?.state === "flagged") {
    const { event, outcome } = closes;
    notices.push(
      ...noticeTask(context, order.id, {
        subject: `A payment event for ${order.reference} needs your attention`,
        lines: [
          `${describeEvent(event, order.currency)}: ${CAUSES[outcome] ?? outcome} (${outcome}).`,
          stands,
        ],
      }),
    );
  }
  if (refund?.to === "failed") {
    const { id, paymentId, amount, currency } = refund.row;
    notices.push(
      ...noticeTask(context, order.id, {
        subject: `A refund for ${order.reference} failed`,
        lines: [
          `The refund ${id} of ${describeMoney(amount, currency)}, of the payment ${paymentId}: ${change.reason}.`,
          "It is not tried again by itself. Its sum is free to be refunded anew.",
          stands,
        ],
      }),
    );
  }
  return notices;
}

/** The notice of an event whose order nobody knows, owed by the batch that leaves it to staff. */
export const unmatchedNotice = (context: Context, event: PaymentEvent): NewTask[] =>
  noticeTask(context, event.eventId, {
    subject: "A payment event names no order",
    lines: [
      `${describeEvent(event, null)}: no order has the reference "${event.reference}".`,
      "Match it to its order, and it is worked off.",
    ],
  });

const describeEvent = ({ provider, eventId, kind, amount, currency }: PaymentEvent, ofOrder: string | null) =>
  `${provider} told of ${KINDS[kind]} of ${describeMoney(amount, currency ?? ofOrder)} in its event ${eventId}`;

function describeMoney(amount: number, currency: string | null): string {
  const money = formatProviderAmount(amount, currency);
  return money
    ? `${money.amount} ${money.currency}`
    : `${amount} minor units of ${currency ?? "some currency"}`;
}

/** An amount of an event, as a decimal. Null if the event names no currency, or one that does not exist. */
export function formatProviderAmount(amount: number, currency: string | null): MoneyWire | null {
  const code = currency?.toUpperCase() ?? "";
  return isCurrency(code) ? formatMoney({ amount, currency: code }) : null;
}
