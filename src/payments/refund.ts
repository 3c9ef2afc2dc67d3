import { wakeUp } from "../events/wake-up.ts";
import { followOf } from "../orders/steps/move.ts";
import type { Context } from "../platform/context.ts";
import type { Operation } from "../platform/idempotency.ts";
import { prefixed } from "../platform/ids.ts";
import { formatMoney, type MoneyWire, parseAmount } from "../platform/money.ts";
import { changeMoney, MAX_TRIES } from "./change.ts";
import { leftOf, type Refund, readMoneyOfPayment } from "./money.ts";
import { newRefund, refundTask } from "./settle-parts.ts";

export type RefundRequestOutcome =
  | { kind: "due"; refund: Refund }
  | { kind: "unknown" }
  | { kind: "exceeds_captured"; left: MoneyWire }
  | { kind: "amount_wrong"; message: string }
  | { kind: "currency_wrong"; currency: string }
  /** Another change of the order won each try: the request may be sent again. */
  | { kind: "contended" };

/** A refund as it is asked for. */
export const renderRefund = ({ id, paymentId, amount, currency }: Refund) => ({
  id,
  payment_id: paymentId,
  amount: formatMoney({ amount, currency }),
  status: "due" as const,
});

/**
 * Promises a refund of a part of a payment, or of all that is left, in one stamped batch with the task that sends it. A
 * payment never promises more than it captured.
 * @param command.operation the same for every repeat: the refund is named after it, so a repeat finds it
 */
export async function requestRefund(
  context: Context,
  paymentId: string,
  command: {
    operation: Operation;
    /** A decimal; null for all that is left. */
    amount: { amount: string; currency?: string | undefined } | null;
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
    const amount = asked === null ? left : parseAmount(asked.amount, currency);
    if (amount === null || (asked !== null && amount === 0)) {
      return { kind: "amount_wrong", message: `must be a decimal of more than 0 ${currency}` };
    }
    if (amount > left || amount === 0) {
      return { kind: "exceeds_captured", left: formatMoney({ amount: left, currency }) };
    }
    const refund = newRefund(context, payment, { id, amount, reason: command.reason });
    const tasks = [refundTask(context, refund)];
    const moved = await changeMoney(context, money, {
      event: "payment.refund_due",
      reason: command.reason,
      data: { payment_id: paymentId, refund_id: id, amount, cause: "staff" },
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
