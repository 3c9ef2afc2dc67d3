import { dueFor } from "../orders/units.ts";
import { isOfOrder, leftOf, type Money, type Payment, type PaymentEvent, type Refund } from "./money.ts";

/** What is to be made of a payment event. `into` is the payment that it speaks of; null: one that we did not open. */
export type Decision =
  /** Another worker was here. */
  | { kind: "worked_off" }
  | { kind: "unknown_order" }
  /** Nothing to do, now or ever. */
  | { kind: "note"; outcome: string }
  /** Before staff, and never paid. */
  | { kind: "flag"; outcome: "wrong_amount" | "wrong_currency" | "unknown_refund" }
  | { kind: "pay"; into: Payment | null }
  /** Taken for an order that cannot use it: due back at once. */
  | { kind: "give_back"; outcome: "second_payment" | "dead_order"; into: Payment | null }
  /** Taken for an order that has expired: a new claim on its stock decides. */
  | { kind: "late"; into: Payment | null }
  | { kind: "fail"; payment: Payment | null }
  | { kind: "settle_refund"; refund: Refund }
  /** Made at the provider, and not asked for by us. */
  | { kind: "record_refund"; payment: Payment }
  /** Its sum is free again, and staff may ask for another. */
  | { kind: "fail_refund"; refund: Refund };

/** Turns what a provider told, and the order as it stands, into what is to be done. Pure. */
export function decide(event: PaymentEvent, money: Money | null): Decision {
  if (event.state !== "owed") return { kind: "worked_off" };
  if (!money) return { kind: "unknown_order" };
  switch (event.kind) {
    case "succeeded":
      return decideSuccess(event, money);
    case "failed":
      return decideFailure(event, money);
    case "canceled":
      return decideEnd(event, money);
    case "refunded":
      return decideRefund(event, money);
    case "refund_failed":
      return decideRefundFailure(event, money);
  }
}

function decideSuccess(event: PaymentEvent, money: Money): Decision {
  const { order } = money;
  const into = paymentOf(event, money.payments);
  // One payment told in two events: the provider's name for it says so.
  if (into && into.captured > 0) return { kind: "note", outcome: "already_captured" };
  if (order.total === 0 && event.amount === 0) return { kind: "note", outcome: "nothing_to_pay" };
  if (currencyOf(event, money) !== order.currency) return { kind: "flag", outcome: "wrong_currency" };
  const isPaid = money.payments.some((payment) => isOfOrder(payment) && payment.captured > 0);
  // Who pays again may pay what it was before a part of it was closed.
  const isItsSum = event.amount === dueFor(order) || (isPaid && event.amount === order.total);
  if (!isItsSum) return { kind: "flag", outcome: "wrong_amount" };
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
      // An invoice, or cash on delivery, that was paid by card after all.
      return isPaid ? { kind: "give_back", outcome: "second_payment", into } : { kind: "pay", into };
  }
}

/** A payment that the provider has a name for can be tried again as it is: ended, its buyer could pay both. */
function decideFailure(event: PaymentEvent, money: Money): Decision {
  if (money.order.status !== "pending") return { kind: "note", outcome: "no_effect" };
  const payment = event.providerId === null ? paymentOf(event, money.payments) : null;
  return { kind: "fail", payment: payment?.status === "open" ? payment : null };
}

/** Whatever became of its order: what is ended cannot be paid, and the next opens another. */
function decideEnd(event: PaymentEvent, money: Money): Decision {
  const payment = paymentOf(event, money.payments);
  return payment?.status === "open" ? { kind: "fail", payment } : { kind: "note", outcome: "no_effect" };
}

/**
 * Of the refunds that the event may speak of, the one that it settles: the oldest sent one of its amount, or one that
 * is due, since a provider may tell of it before its sender could mark it.
 */
function decideRefund(event: PaymentEvent, money: Money): Decision {
  const named = refundsNamed(event, money);
  const alike = named.refunds.filter((refund) => isOfSum(event, refund));
  const refund = alike.find(({ state }) => state === "sent") ?? alike.find(({ state }) => state === "due");
  if (refund) return { kind: "settle_refund", refund };
  if (named.byName && alike.some(({ state }) => state === "settled")) {
    return { kind: "note", outcome: "already_settled" };
  }
  // Told under the refund's own name, which no other success has: it came late, and what failed stays so.
  if (alike.some(({ state, providerId }) => state === "failed" && providerId === event.eventId)) {
    return { kind: "note", outcome: "failed_since" };
  }
  const payment = event.refundId === null ? paymentRefunded(event, money) : null;
  return payment ? { kind: "record_refund", payment } : { kind: "flag", outcome: "unknown_refund" };
}

/** The payment that a refund of the provider's own was made of, where it is clear which, and that much is left of it. */
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
 * Whatever was told or marked before: a provider may tell of it before its sender could mark it, and after it was
 * settled. Only of a refund that is named, for a guess would free money that is on its way; and not of another one that
 * the provider made under its name. One that was made by hand was recorded under the provider's name for it.
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
  if (!isIt) return { kind: "flag", outcome: "unknown_refund" };
  return refund.state === "failed"
    ? { kind: "note", outcome: "already_failed" }
    : { kind: "fail_refund", refund };
}

/**
 * Those that the event names: by our id, or by the provider's; else all of its. A provider that names the payment names
 * our refunds too: one that it tells of without was made there, and is ours only if it was recorded so.
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

/** By the provider's name for it; where that says nothing, the latest of this provider that has taken nothing yet. */
function paymentOf(event: PaymentEvent, payments: Payment[]): Payment | null {
  const { provider, providerId } = event;
  const theirs = payments.filter((payment) => payment.provider === provider);
  const named = theirs.find((payment) => isNamed(event, payment));
  const untaken = (payment: Payment) =>
    payment.captured === 0 && (providerId === null || payment.providerId === null);
  return named ?? theirs.findLast(untaken) ?? null;
}

/** What goes back goes in the currency in which it came, the order's or not. */
const isOfSum = ({ amount, currency }: PaymentEvent, refund: Refund): boolean =>
  amount === refund.amount && (currency === null || currency.toUpperCase() === refund.currency);

const currencyOf = (event: PaymentEvent, { order }: Money): string =>
  (event.currency ?? order.currency).toUpperCase();
