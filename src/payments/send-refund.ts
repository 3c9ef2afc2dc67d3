import type { Task, TaskOutcome } from "../events/run-tasks.ts";
import { wakeUp } from "../events/wake-up.ts";
import { followOf } from "../orders/steps/move.ts";
import type { Context } from "../platform/context.ts";
import { changeMoney, MAX_TRIES } from "./change.ts";
import { type Money, type Refund, readMoneyOfOrder, readMoneyOfRefund } from "./money.ts";
import type { MoneyChange } from "./money-change.ts";
import type { RefunderOf, RefundOutcome } from "./provider.ts";
import { newRefund, refundedMail, refundName, spread } from "./settle-parts.ts";

/**
 * Sends one promised refund to its provider, under its own id, and marks the result. Only a refund that is `due` is sent,
 * so a repeat of this task finds it marked. If the worker dies between the provider's answer and the mark, the refund is
 * sent again under the same id, which the provider must recognise however late that is (see `Provider`).
 */
export async function sendRefund(
  context: Context,
  refunderOf: RefunderOf,
  refundId: string,
): Promise<TaskOutcome> {
  const money = await readMoneyOfRefund(context, refundId);
  const refund = money?.refunds.find(({ id }) => id === refundId);
  const payment = money?.payments.find(({ id }) => id === refund?.paymentId);
  if (!money || !refund || !payment) return { kind: "failed", error: `there is no refund ${refundId}` };
  if (refund.state !== "due") return { kind: "done" };

  const outcome = await refunderOf(context, payment.provider).refund(context, payment, refund);
  if (outcome.kind === "failed") return outcome;
  return mark(context, money, refundId, outcome);
}

async function mark(
  context: Context,
  known: Money,
  refundId: string,
  outcome: Exclude<RefundOutcome, { kind: "failed" }>,
): Promise<TaskOutcome> {
  let money: Money | null = known;
  for (let tries = 0; tries < MAX_TRIES && money; tries++) {
    const refund = money.refunds.find(({ id }) => id === refundId);
    // An event of the provider may have settled it meanwhile.
    if (refund?.state !== "due") return { kind: "done" };
    const tasks = outcome.kind === "settled" ? refundedMail(context, refund) : [];
    const moved = await changeMoney(context, money, { ...markOf(refund, outcome), tasks });
    if (moved.won) {
      context.defer(wakeUp(context, [...followOf(moved), ...tasks]));
      return { kind: "done" };
    }
    money = await readMoneyOfRefund(context, refundId);
  }
  return { kind: "failed", error: "others changed the order each time" };
}

const EVENTS = {
  settled: "payment.refunded",
  sent: "payment.refund_sent",
  refused: "payment.refund_failed",
} as const;

function markOf(refund: Refund, outcome: Exclude<RefundOutcome, { kind: "failed" }>): MoneyChange {
  const refused = outcome.kind === "refused";
  return {
    event: EVENTS[outcome.kind],
    reason: refused ? outcome.error : refund.reason,
    data: { payment_id: refund.paymentId, refund_id: refund.id, amount: refund.amount },
    refund: {
      row: refund,
      from: ["due"],
      to: outcome.kind === "refused" ? "failed" : outcome.kind,
      providerId: outcome.providerId ?? null,
    },
  };
}

/**
 * Refunds what is left of an order's payments, or an amount of it. Steps promise their refunds by themselves (owe-refund.ts):
 * such a task was owed by a version from before, and may still be there. It promises refunds in one batch, the oldest payment
 * first, and then sends each. The refunds are named after the task, so that a rerun finds and sends them.
 * @param owed.amount minor units of the order's currency, null for all that is left; never more than is left is promised
 */
export async function refundOrder(
  context: Context,
  refunderOf: RefunderOf,
  task: Task,
  owed: { orderId: string; amount: number | null; reason: string | null },
): Promise<TaskOutcome> {
  const promised = await promise(context, task, owed);
  if (promised.kind === "failed") return promised;
  let failure: TaskOutcome | null = null;
  for (const refund of promised.refunds) {
    const outcome = await sendRefund(context, refunderOf, refund.id);
    if (outcome.kind === "failed") failure = outcome;
  }
  return failure ?? { kind: "done" };
}

async function promise(
  context: Context,
  task: Task,
  { orderId, amount, reason }: { orderId: string; amount: number | null; reason: string | null },
): Promise<{ kind: "promised"; refunds: Refund[] } | { kind: "failed"; error: string }> {
  const operation = task.id.replace(/^wrk_/, "");
  const name = refundName(operation, 0);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const money = await readMoneyOfOrder(context, orderId);
    if (!money) return { kind: "failed", error: `there is no order ${orderId}` };
    const made = money.refunds.filter(({ id }) => id === name || id.startsWith(`${name}-`));
    if (made.length > 0) return { kind: "promised", refunds: made };
    const refunds = spread(money.payments, amount).map((part, index) =>
      newRefund(context, part.payment, {
        id: refundName(operation, index),
        amount: part.amount,
        reason,
      }),
    );
    if (refunds.length === 0) return { kind: "promised", refunds };
    const moved = await changeMoney(context, money, {
      event: "payment.refund_due",
      reason,
      data: {
        refund_ids: refunds.map(({ id }) => id),
        amount: refunds.reduce((sum, refund) => sum + refund.amount, 0),
        cause: "order",
      },
      promised: refunds,
    });
    if (moved.won) return { kind: "promised", refunds };
  }
  return { kind: "failed", error: "others changed the order each time" };
}
