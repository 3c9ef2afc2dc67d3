import type { Task, TaskOutcome } from "../events/work.ts";
import type { Context } from "../platform/context.ts";

/** Task `payment-event`, payload `{provider, event_id}`: works off what a provider told. */
export async function settlePaymentEvent(_context: Context, _task: Task): Promise<TaskOutcome> {
  return { kind: "failed", error: "not built yet" };
}

/**
 * Task `refund`, payload `{order_id, amount, reason}` (`amount` in minor units, null for all that is left): promises
 * the refund on the order's payments, and asks their provider for it.
 */
export async function payRefund(_context: Context, _task: Task): Promise<TaskOutcome> {
  return { kind: "failed", error: "not built yet" };
}
