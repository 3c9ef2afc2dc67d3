import { dueFor } from "../orders/units.ts";
import { isOfOrder, leftOf, type Money, type Payment, type PaymentEvent, type Refund } from "./money.ts";

/** What a payment event means. `into` is the payment that it is about; null if we did not open that payment. */
export type Decision =
  /** Another worker has done it. */
  | { kind: "worked_off" }
  | { kind: "unknown_order" }
  /** Nothing is to be done, now or later. */
  | { kind: "note"; outcome: string }
  /** Staff must look at it. It never counts as paid. */
  | { kind: "flag"; outcome: "wrong_amount" | "wrong_currency" }
  /** Nothing that is known explains it, but another message may come that does. */
  | { kind: "unexplained"; outcome: "unknown_refund" }
  | { kind: "pay"; into: Payment | null }
  /** Captured for an order that cannot use it: a refund is due at once. */
  | { kind: "give_back"; outcome: "second_payment" | "dead_order"; into: Payment | null }
  /** Captured for an order that has expired: whether its stock can be claimed again decides. */
  | { kind: "late"; into: Payment | null }
  | { kind: "fail"; payment: Payment | null }
  | { kind: "settle_refund"; refund: Refund }
  /** A refund that was made at the provider, and not requested by us. */
  | { kind: "record_refund"; payment: Payment }
  /** Its sum is free again, and staff may request another refund. */
  | { kind: "fail_refund"; refund: Refund };

/** Decides what is to be done about an event, given the order as it stands. Pure. */
export function decide(event: PaymentEvent, money: Money | null): Decision {
  if (event.state !== "owed") return { kind: "worked_off" };
  if (!money) return { kind: "unknown_order" };
  switch (event.kind) {
    case "succeeded":
      return decideSuccess(event, money);
    case "failed":
      return decideFailure(event, money);
    case "canceled":
      return decideCancellation(event, money);
    case "refunded":
      return decideRefund(event, money);
    case "refund_failed":
      return decideRefundFailure(event, money);
  }
}

function decideSuccess(event: PaymentEvent, money: Money): Decision {
  const { order } = money;
  const into = paymentOf(event, money.payments);
  // A second event about one payment: the provider's id of the payment shows it.
  if (into && into.captured > 0) return { kind: "note", outcome: "already_captured" };
  if (order.total === 0 && event.amount === 0) return { kind: "note", outcome: "nothing_to_pay" };
  if (currencyOf(event, money) !== order.currency) return { kind: "flag", outcome: "wrong_currency" };
  const isPaid = money.payments.some((payment) => isOfOrder(payment) && payment.captured > 0);
  // A second payment may be of the total from before a part of the order was closed.
  const isRightAmount = event.amount === dueFor(order) || (isPaid && event.amount === order.total);
  if (!isRightAmount) return { kind: "flag", outcome: "wrong_amount" };
  switch (order.status) {
    case "pending":
      return { kind: "pay", into };
    case "expired":
      return { kind: "late", into };
    case "cancelled":
    case "rejected":
      return { kind: "give_back", outcome: "dead_order", into };
    case "confirmed":
    case "processing":
    case "shipped":
    case "delivered":
    case "returned":
      // The order was to be paid by invoice or on delivery, and was paid by card after all.
      return isPaid ? { kind: "give_back", outcome: "second_payment", into } : { kind: "pay", into };
  }
}

/**
 * A payment with an id at the provider stays open, since its buyer can try it again. If it were ended, the buyer could open
 * another and pay both.
 */
function decideFailure(event: PaymentEvent, money: Money): Decision {
  if (money.order.status !== "pending") return { kind: "note", outcome: "no_effect" };
  const payment = event.providerId === null ? paymentOf(event, money.payments) : null;
  return { kind: "fail", payment: payment?.status === "open" ? payment : null };
}

/** A cancelled payment fails whatever became of its order: nobody can pay it any more, and the buyer may open another. */
function decideCancellation(event: PaymentEvent, money: Money): Decision {
  const payment = paymentOf(event, money.payments);
  return payment?.status === "open" ? { kind: "fail", payment } : { kind: "note", outcome: "no_effect" };
}

/**
 * Of the refunds that the event may be about, it settles the oldest one of its amount that was sent, or else one that is
 * due: the event may come before the worker that sent the refund could mark it.
 */
function decideRefund(event: PaymentEvent, money: Money): Decision {
  const named = refundsNamed(event, money);
  const alike = named.refunds.filter((refund) => isOfSum(event, refund));
  const refund = alike.find(({ state }) => state === "sent") ?? alike.find(({ state }) => state === "due");
  if (refund) return { kind: "settle_refund", refund };
  if (named.byName && alike.some(({ state }) => state === "settled")) {
    return { kind: "note", outcome: "already_settled" };
  }
  // The event has the refund's own id, so it is this refund's success. It came after the failure, which stands.
  if (alike.some(({ state, providerId }) => state === "failed" && providerId === event.eventId)) {
    return { kind: "note", outcome: "failed_since" };
  }
  const payment = event.refundId === null ? paymentRefunded(event, money) : null;
  return payment ? { kind: "record_refund", payment } : { kind: "unexplained", outcome: "unknown_refund" };
}

/** The payment that a refund made at the provider is of; null unless exactly one payment fits and has that much left. */
function paymentRefunded(event: PaymentEvent, { payments }: Money): Payment | null {
  const taken = payments.filter(({ provider, captured }) => provider === event.provider && captured > 0);
  const fitting = (
    event.providerId === null ? taken : taken.filter((payment) => isNamed(event, payment))
  ).filter(
    (payment) =>
      event.amount > 0 &&
      event.amount <= leftOf(payment) &&
      (event.currency === null || event.currency.toUpperCase() === payment.currency),
  );
  const [only] = fitting;
  return only && fitting.length === 1 ? only : null;
}

/**
 * The refund may be in any state: the failure may come before its sender could mark it, and after it was settled. Only a
 * refund that the event names can fail, since a wrong guess would free money that is on its way. Where an event
 * names our refund by its id, but with another refund of the provider, it is not about ours. A refund that was made at the provider by hand
 * is recorded under the provider's id of it.
 */
function decideRefundFailure(event: PaymentEvent, money: Money): Decision {
  const byHand = event.refundId === null;
  const refund = money.refunds.find(({ id, providerId }) =>
    byHand ? `${providerId}:failed` === event.eventId : id === event.refundId,
  );
  const isIt =
    refund !== undefined &&
    isOfSum(event, refund) &&
    (byHand ||
      refund.providerId === null ||
      event.providerId === null ||
      refund.providerId === event.providerId);
  if (!isIt) return { kind: "unexplained", outcome: "unknown_refund" };
  return refund.state === "failed"
    ? { kind: "note", outcome: "already_failed" }
    : { kind: "fail_refund", refund };
}

/**
 * The refunds that an event may be about: those that it names, by our id or by the provider's, or else all of the
 * provider's payments. A provider that names our payments also names our refunds. So a refund that comes without our id
 * from such a provider was made there, and we know it only if it was recorded.
 */
function refundsNamed(
  event: PaymentEvent,
  { payments, refunds }: Money,
): { byName: boolean; refunds: Refund[] } {
  const { provider, providerId, refundId } = event;
  if (refundId !== null) return { byName: true, refunds: refunds.filter(({ id }) => id === refundId) };
  const named = refunds.filter(
    (refund) => providerId !== null && (refund.id === providerId || refund.providerId === providerId),
  );
  if (named.length > 0) return { byName: true, refunds: named };
  const theirs = payments.filter((payment) => payment.provider === provider);
  const byName = theirs.some((payment) => isNamed(event, payment));
  return {
    byName,
    refunds: refunds.filter(
      (refund) =>
        theirs.some(({ id }) => id === refund.paymentId) && (!byName || refund.providerId === event.eventId),
    ),
  };
}

const isNamed = ({ provider, providerId }: PaymentEvent, payment: Payment): boolean =>
  payment.provider === provider && providerId !== null && payment.providerId === providerId;

/** The payment with the provider's id; if none has it, the provider's latest payment that is not captured yet. */
function paymentOf(event: PaymentEvent, payments: Payment[]): Payment | null {
  const { provider, providerId } = event;
  const theirs = payments.filter((payment) => payment.provider === provider);
  const named = theirs.find((payment) => isNamed(event, payment));
  const uncaptured = (payment: Payment) =>
    payment.captured === 0 && (providerId === null || payment.providerId === null);
  return named ?? theirs.findLast(uncaptured) ?? null;
}

/** A refund has the currency of its payment, which need not be the order's. */
const isOfSum = ({ amount, currency }: PaymentEvent, refund: Refund): boolean =>
  amount === refund.amount && (currency === null || currency.toUpperCase() === refund.currency);

const currencyOf = (event: PaymentEvent, { order }: Money): string =>
  (event.currency ?? order.currency).toUpperCase();
