import type { NewTask } from "../events/append.ts";
import { MAX_ATTEMPTS } from "../events/backoff.ts";
import { Commit } from "../events/commit.ts";
import type { Task, TaskOutcome } from "../events/run-tasks.ts";
import { wakeUp } from "../events/wake-up.ts";
import { tasksOnPayment } from "../orders/steps/confirmation.ts";
import { mailTask } from "../orders/steps/mails.ts";
import { followOf, type Moved } from "../orders/steps/move.ts";
import type { Context } from "../platform/context.ts";
import { prefixed } from "../platform/ids.ts";
import { runBatch, sql } from "../platform/sql.ts";
import { changeMoney, MAX_TRIES } from "./change.ts";
import { type Decision, decide } from "./decide.ts";
import { settleLate } from "./late-payment.ts";
import { type EventFacts, type EventName, type Money, type PaymentEvent, readEventFacts } from "./money.ts";
import type { MoneyChange } from "./money-change.ts";
import { unmatchedNotice } from "./notices.ts";
import { wonEvent } from "./receive-event.ts";
import { capturedBy, giveBack, recordRefund, refundedMail } from "./settle-parts.ts";
import { closeWithoutEffect } from "./statements.ts";
import { keepWaiting, mayWait } from "./waiting.ts";

/**
 * Works off one payment event: reads it with its order, decides, and writes its effect in one stamped batch that also
 * closes it. So its effect happens once, even if two workers do it at the same time or one dies: whoever comes later finds
 * it closed.
 */
export async function settleEvent(
  context: Context,
  task: Pick<Task, "attempt">,
  provider: string,
  eventId: string,
): Promise<TaskOutcome> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const facts = await readEventFacts(context, provider, eventId);
    if (!facts) return { kind: "failed", error: `there is no event ${eventId} of ${provider}` };
    const outcome = await settle(context, task.attempt, facts);
    if (outcome.kind !== "again") return outcome;
  }
  return { kind: "failed", error: "others changed the order each time" };
}

async function settle(
  context: Context,
  attempt: number,
  { event, about, waiting, selling }: EventFacts,
): Promise<TaskOutcome | { kind: "again" }> {
  const decision = decide(event, about?.money ?? null);
  if (decision.kind === "worked_off") return { kind: "done" };
  if (!about || decision.kind === "unknown_order") return keepUnknown(context, attempt, event);
  const { money, revival } = about;
  if (decision.kind === "unexplained" && mayWait(context, event))
    return keepWaiting(context, event, money.order.id);
  if (decision.kind === "note") {
    await runBatch(context.env.DB, closeWithoutEffect(event, money.order.id, decision.outcome));
    return { kind: "done" };
  }
  if (decision.kind === "late") {
    if (!selling) return { kind: "not_now", error: "selling is stopped: nothing may be held now" };
    const outcome = await settleLate(context, { event, money, revival, into: decision.into });
    return outcome.kind === "settled" ? done(context, outcome.moved, outcome.tasks, waiting) : outcome;
  }
  const change = changeOf(context, event, money, decision);
  const moved = await changeMoney(context, money, change);
  return moved.won ? done(context, moved, change.tasks ?? [], waiting) : { kind: "again" };
}

type OneBatchDecision = Exclude<Decision, { kind: "worked_off" | "unknown_order" | "note" | "late" }>;

/** The change of money that a decision means. */
function changeOf(
  context: Context,
  event: PaymentEvent,
  money: Money,
  decision: OneBatchDecision,
): MoneyChange {
  const data = { provider: event.provider, event_id: event.eventId, amount: event.amount };
  switch (decision.kind) {
    case "pay": {
      const captured = capturedBy(context, event, money, decision.into);
      const pending = money.order.status === "pending";
      return {
        event: "order.paid",
        reason: "paid",
        data: { payment_id: captured.id, amount: captured.captured, late: false },
        ...(pending ? { to: "confirmed" as const } : {}),
        closes: { event, state: "done", outcome: "paid" },
        captured,
        tasks: pending
          ? tasksOnPayment(context, money.order)
          : mailTask(context, money.order.id, { template: "order_paid" }),
      };
    }
    case "give_back":
      return giveBack(context, event, money, decision.into, decision.outcome);
    case "flag":
    case "unexplained":
      return {
        event: "payment.flagged",
        reason: decision.outcome,
        data: { ...data, currency: event.currency, cause: decision.outcome },
        closes: { event, state: "flagged", outcome: decision.outcome },
      };
    case "fail":
      return {
        event: "payment.failed",
        reason: event.kind === "canceled" ? "the payment was cancelled" : "the payment failed",
        data: { ...data, payment_id: decision.payment?.id ?? null },
        ...(money.order.paymentStatus === "awaiting" ? { paymentStatus: "failed" as const } : {}),
        closes: { event, state: "done", outcome: "failed" },
        ...(decision.payment ? { failed: decision.payment } : {}),
      };
    case "settle_refund": {
      const { refund } = decision;
      return {
        event: "payment.refunded",
        reason: refund.reason,
        data: { payment_id: refund.paymentId, refund_id: refund.id, amount: refund.amount },
        closes: { event, state: "done", outcome: "refunded" },
        refund: { row: refund, from: ["due", "sent"], to: "settled", providerId: null },
        tasks: refundedMail(context, refund),
      };
    }
    case "record_refund":
      return recordRefund(context, event, decision.payment);
    case "fail_refund": {
      const { refund } = decision;
      return {
        event: "payment.refund_failed",
        reason: "the refund failed at the provider",
        data: { payment_id: refund.paymentId, refund_id: refund.id, amount: refund.amount },
        closes: { event, state: "done", outcome: "refund_failed" },
        refund: {
          row: refund,
          from: ["due", "sent", "settled"],
          to: "failed",
          providerId: event.providerId,
        },
      };
    }
  }
}

/**
 * Sends wake-ups for the tasks that the change owes, and works off the events that waited for it, since what explains them
 * may be known now. If this worker dies before, the sweep sends the wake-ups, and their own tasks work off what waited, as
 * they do with what began to wait meanwhile. An event that another worker is at is safe, as `settleEvent` says.
 */
function done(context: Context, moved: Moved, tasks: NewTask[], waiting: EventName[]): TaskOutcome {
  context.defer(wakeUp(context, [...followOf(moved), ...tasks]));
  context.defer(settleWaiting(context, waiting));
  return { kind: "done" };
}

async function settleWaiting(context: Context, waiting: EventName[]): Promise<void> {
  for (const { provider, eventId } of waiting) {
    await settleEvent(context, { attempt: 1 }, provider, eventId);
  }
}

/**
 * No order is known that the event is about. One about a payment that we did not open may become known with that payment,
 * so it waits. But money that was taken for no order is staff's as soon as its task has no attempts left.
 */
async function keepUnknown(context: Context, attempt: number, event: PaymentEvent): Promise<TaskOutcome> {
  if (event.kind !== "succeeded" && event.providerId !== null) {
    return mayWait(context, event) ? keepWaiting(context, event, null) : keepUnmatched(context, event);
  }
  if (attempt < MAX_ATTEMPTS) {
    return { kind: "failed", error: `no order has the reference ${event.reference}` };
  }
  return keepUnmatched(context, event);
}

async function keepUnmatched(context: Context, event: PaymentEvent): Promise<TaskOutcome> {
  const about = { provider: event.provider, event_id: event.eventId, reference: event.reference };
  const commit = new Commit(context);
  const won = wonEvent(event, commit.stamp);
  commit.win(sql`
    UPDATE payment_events SET state = 'unmatched', outcome = 'unmatched', stamp = ${commit.stamp}
    WHERE provider = ${event.provider} AND event_id = ${event.eventId} AND state = 'owed' AND order_id IS NULL`);
  commit.events(
    [
      {
        id: prefixed("evt", context.ids.next()),
        type: "payment.unmatched",
        at: context.clock.now(),
        object_type: "payment",
        object_id: event.eventId,
        object_version: 1,
        data: { ...about, kind: event.kind, amount: event.amount, currency: event.currency },
      },
    ],
    won,
  );
  commit.owe(unmatchedNotice(context, event), won);
  await commit.send();
  commit.wakeUp(() => true);
  return { kind: "done" };
}
