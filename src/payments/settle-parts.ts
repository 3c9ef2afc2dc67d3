import { type NewTask, newTask } from "../events/append.ts";
import { mailTask } from "../orders/steps/mails.ts";
import type { Context } from "../platform/context.ts";
import { prefixed } from "../platform/ids.ts";
import { isOfOrder, leftOf, type Money, type Payment, type PaymentEvent, type Refund } from "./money.ts";
import type { MoneyChange } from "./money-change.ts";
import type { ClosedEvent } from "./statements.ts";

/** The payment after its capture: the one that the event is about, or a new one named after the event's operation. */
export function capturedBy(
  context: Context,
  event: PaymentEvent,
  { order }: Money,
  into: Payment | null,
): Payment {
  const now = context.clock.now();
  const payment: Payment = into ?? {
    id: prefixed("pay", event.operation),
    orderId: order.id,
    provider: event.provider as Payment["provider"],
    providerId: event.providerId,
    status: "open",
    amount: event.amount,
    currency: order.currency,
    captured: 0,
    refunded: 0,
    clientSecret: null,
    stamp: "",
    createdAt: now,
    updatedAt: now,
  };
  return {
    ...payment,
    providerId: payment.providerId ?? event.providerId,
    status: "succeeded",
    captured: event.amount,
  };
}

/** A refund as it is promised. @param refund.id `rfd_…`, named after what requests it, so that a rerun finds it */
export function newRefund(
  context: Context,
  payment: Pick<Payment, "id" | "orderId" | "currency">,
  refund: { id: string; amount: number; reason: string | null; items?: string | null },
): Refund {
  const now = context.clock.now();
  return {
    items: null,
    ...refund,
    paymentId: payment.id,
    orderId: payment.orderId,
    currency: payment.currency,
    state: "due",
    providerId: null,
    createdAt: now,
    updatedAt: now,
  };
}

/** Spreads an amount over the payments. One that was given back has its own refund already, maybe in another currency. */
export function spread(payments: Payment[], amount: number | null): { payment: Payment; amount: number }[] {
  let wanted = amount ?? Number.POSITIVE_INFINITY;
  return payments.filter(isOfOrder).flatMap((payment) => {
    const part = Math.min(leftOf(payment), wanted);
    wanted -= part;
    return part > 0 ? [{ payment, amount: part }] : [];
  });
}

/** The refunds of one operation: the first has the operation's name, more have a number after it. */
export const refundName = (operation: string, index: number): string =>
  `${prefixed("rfd", operation)}${index === 0 ? "" : `-${index + 1}`}`;

/** The task that sends one promised refund. */
export const refundTask = (context: Context, { id, orderId }: Pick<Refund, "id" | "orderId">): NewTask =>
  newTask(context, "refund", orderId, { refund_id: id });

/** The mail of money that is back with whoever paid it, for the batch that learns so. */
export const refundedMail = (
  context: Context,
  { orderId, amount, currency }: Pick<Refund, "orderId" | "amount" | "currency">,
): NewTask[] => mailTask(context, orderId, { template: "order_refunded", amount, currency });

const REASONS = {
  second_payment: "a second payment",
  dead_order: "paid for an order that was not to be filled",
  out_of_stock: "paid after it had expired, and its stock was gone",
  cart_spent: "paid after it had expired, and its cart was ordered again",
} as const;

/** Captures a payment, and promises all of it back, in one change. */
function captureAndRefund(
  context: Context,
  captured: Payment,
  reason: string,
  { closes, data }: { closes: ClosedEvent; data: Record<string, unknown> },
) {
  const id = prefixed("rfd", closes.event.operation);
  const refund = newRefund(context, captured, { id, amount: captured.captured, reason });
  return {
    event: "payment.refund_due",
    reason,
    data: { payment_id: captured.id, refund_id: id, amount: refund.amount, ...data },
    closes,
    captured,
    promised: [refund],
    tasks: [refundTask(context, refund)],
  } satisfies MoneyChange;
}

/** Captures money that its order cannot use, and promises it back. */
export const giveBack = (
  context: Context,
  event: PaymentEvent,
  money: Money,
  into: Payment | null,
  cause: keyof typeof REASONS,
) =>
  captureAndRefund(context, capturedBy(context, event, money, into), REASONS[cause], {
    closes: { event, state: "done", outcome: cause === "second_payment" ? cause : "refund_due" },
    data: { cause },
  });

/** For staff: captures what a flagged event took, in its own currency and apart from the order's money, and refunds it. */
export const giveBackFlagged = (
  context: Context,
  event: PaymentEvent,
  money: Money,
  { into, currency, reason }: { into: Payment | null; currency: string; reason: string | null },
) =>
  captureAndRefund(
    context,
    { ...capturedBy(context, event, money, into), currency, status: "given_back" },
    reason ?? "it was not what the order costs",
    {
      closes: { event, from: "flagged", state: "done", outcome: "given_back" },
      data: { currency, cause: event.outcome },
    },
  );

/** Records a refund that was made at the provider by hand: it is settled, and lowers what is left of its payment. */
export function recordRefund(context: Context, event: PaymentEvent, payment: Payment) {
  const id = prefixed("rfd", event.operation);
  const reason = "made at the payment provider";
  const refund: Refund = {
    ...newRefund(context, payment, { id, amount: event.amount, reason }),
    state: "settled",
    providerId: event.eventId,
  };
  return {
    event: "payment.refunded",
    reason,
    data: { payment_id: payment.id, refund_id: id, amount: event.amount, cause: "provider" },
    closes: { event, state: "done", outcome: "refund_recorded" },
    promised: [refund],
    tasks: refundedMail(context, refund),
  } satisfies MoneyChange;
}
