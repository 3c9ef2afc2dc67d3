import { wakeUp } from "../events/wake-up.ts";
import type { Order } from "../orders/order.ts";
import type { RefundLine } from "../orders/refund-due.ts";
import type { RefundWire } from "../orders/schemas.ts";
import { followOf } from "../orders/steps/move.ts";
import type { Context } from "../platform/context.ts";
import type { Operation } from "../platform/idempotency.ts";
import { prefixed } from "../platform/ids.ts";
import { formatMoney, type MoneyWire, parseAmount } from "../platform/money.ts";
import { changeMoney, MAX_TRIES } from "./change.ts";
import { isOfOrder, leftOf, type Payment, type Refund, readMoneyOfPayment } from "./money.ts";
import { newRefund, refundTask } from "./settle-parts.ts";

export type RefundRequestOutcome =
  | { kind: "due"; refund: Refund }
  | { kind: "unknown" }
  | { kind: "exceeds_captured"; left: MoneyWire }
  | { kind: "amount_wrong"; message: string }
  | { kind: "currency_wrong"; currency: string }
  | NotNameable
  /** Another change of the order won each try: the request may be sent again. */
  | { kind: "contended" };

/** More units of a product than were ordered and not refunded by name. */
export interface AlreadyRefunded {
  kind: "already_refunded";
  /** Of the line that names it, as are those below. */
  index: number;
  productId: string;
  requested: number;
  left: number;
}

/** Why a refund cannot name these units. */
type NotNameable =
  | { kind: "unknown_item"; index: number }
  | { kind: "costs_nothing" }
  /** The payment never counted for its order, and may be in another currency. */
  | { kind: "given_back" }
  | AlreadyRefunded;

/** A refund as it is asked for. */
export const renderRefund = ({ id, paymentId, amount, currency, items }: Refund): RefundWire => ({
  id,
  payment_id: paymentId,
  amount: formatMoney({ amount, currency }),
  status: "due",
  ...(items === null ? {} : { items: renderLines(items, currency) }),
});

/** @param items as the refund's row has them */
export const renderLines = (items: string, currency: string) =>
  (JSON.parse(items) as RefundLine[]).map((line) => ({
    ...line,
    amount: formatMoney({ amount: line.amount, currency }),
  }));

/** The units that staff name, at their price at order time; lines of one product are added up. Pure. */
function linesOf(
  { refundedUnits, items }: Order,
  payment: Payment,
  asked: { product_id: string; quantity: number }[],
): { kind: "lines"; lines: RefundLine[] } | NotNameable {
  if (!isOfOrder(payment)) return { kind: "given_back" };
  const lines = new Map<string, RefundLine>();
  for (const [index, { product_id, quantity }] of asked.entries()) {
    const item = items.find(({ productId }) => productId === product_id);
    if (!item) return { kind: "unknown_item", index };
    const requested = quantity + (lines.get(product_id)?.quantity ?? 0);
    const left = item.quantity - (refundedUnits[product_id] ?? 0);
    if (requested > left) return { kind: "already_refunded", index, productId: product_id, requested, left };
    lines.set(product_id, { product_id, quantity: requested, amount: requested * item.unitPrice });
  }
  const named = [...lines.values()].filter(({ amount }) => amount > 0);
  return named.length === 0 ? { kind: "costs_nothing" } : { kind: "lines", lines: named };
}

/**
 * Promises a refund of a part of a payment, of units of its order, or of all that is left, in one stamped batch with the
 * task that sends it. A payment never promises more than it captured.
 * @param command.operation the same for every repeat: the refund is named after it, so a repeat finds it
 */
export async function requestRefund(
  context: Context,
  paymentId: string,
  command: {
    operation: Operation;
    /** A decimal; null for all that is left. */
    amount: { amount: string; currency?: string | undefined } | null;
    /** The units that it is for; null where it is of an amount. */
    items: { product_id: string; quantity: number }[] | null;
    reason: string | null;
  },
): Promise<RefundRequestOutcome> {
  const id = prefixed("rfd", command.operation.id);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const money = await readMoneyOfPayment(context, paymentId);
    const payment = money?.payments.find((one) => one.id === paymentId);
    if (!money || !payment) return { kind: "unknown" };
    const made = money.refunds.find((refund) => refund.id === id);
    if (made) return { kind: "due", refund: made };

    const left = leftOf(payment);
    const { currency } = payment;
    const asked = command.amount;
    if (asked?.currency !== undefined && asked.currency.toUpperCase() !== currency) {
      return { kind: "currency_wrong", currency };
    }
    const named = command.items && linesOf(money.order, payment, command.items);
    if (named && named.kind !== "lines") return named;
    const lines = named?.lines ?? null;
    const priced = lines?.reduce((sum, line) => sum + line.amount, 0) ?? left;
    const amount = asked === null ? priced : parseAmount(asked.amount, currency);
    if (amount === null || (asked !== null && amount === 0)) {
      return { kind: "amount_wrong", message: `must be a decimal of more than 0 ${currency}` };
    }
    if (amount > left || amount === 0) {
      return { kind: "exceeds_captured", left: formatMoney({ amount: left, currency }) };
    }
    const items = lines && JSON.stringify(lines);
    const refund = newRefund(context, payment, { id, amount, reason: command.reason, items });
    const tasks = [refundTask(context, refund)];
    const moved = await changeMoney(context, money, {
      event: "payment.refund_due",
      reason: command.reason,
      data: { payment_id: paymentId, refund_id: id, amount, items: lines, cause: "staff" },
      operation: command.operation,
      answer: { status: 201, body: renderRefund(refund) },
      promised: [refund],
      tasks,
    });
    if (moved.won) {
      context.defer(wakeUp(context, [...followOf(moved), ...tasks]));
      return { kind: "due", refund };
    }
  }
  return { kind: "contended" };
}
