import type { Task, TaskOutcome } from "../events/run-tasks.ts";
import type { Context } from "../platform/context.ts";
import { run, sql } from "../platform/sql.ts";
import { type Payment, readMoneyOfOrder } from "./money.ts";
import type { CancellerOf } from "./provider.ts";

/**
 * Ends the payments of a dead order that are still open, so that nobody can pay them any more. A payment that was captured
 * meanwhile is left to its webhook, and one that the provider does not know needs no ending there. Safe to run twice and
 * late, because only open payments are touched, and a dead order never waits for a payment again.
 */
export async function endPayments(
  context: Context,
  cancellerOf: CancellerOf,
  task: Task,
): Promise<TaskOutcome> {
  const money = await readMoneyOfOrder(context, task.objectId);
  if (!money) return { kind: "failed", error: `there is no order ${task.objectId}` };
  let failure: TaskOutcome | null = null;
  for (const payment of money.payments.filter(({ status }) => status === "open")) {
    const outcome = await end(context, cancellerOf, payment);
    if (outcome.kind === "failed") failure = outcome;
  }
  return failure ?? { kind: "done" };
}

async function end(context: Context, cancellerOf: CancellerOf, payment: Payment): Promise<TaskOutcome> {
  if (payment.providerId !== null) {
    const outcome = await cancellerOf(context, payment.provider).cancel(context, payment);
    if (outcome.kind === "failed") return outcome;
    if (outcome.kind === "taken") return { kind: "done" };
  }
  const ended = await markEnded(context, payment);
  // If it had no id and was not marked, another worker that was opening it has given it one: the task must try again.
  return ended || payment.providerId !== null
    ? { kind: "done" }
    : { kind: "failed", error: `the payment ${payment.id} is being opened` };
}

/**
 * Only if the provider's id is still the one that was cancelled. If the id is filled in after this, `fillIn` of
 * open-payment.ts opens the payment again and owes a task that ends it.
 */
async function markEnded({ env, clock, ids }: Context, payment: Payment): Promise<boolean> {
  const ended = await run(
    env.DB,
    sql`UPDATE payments SET status = 'failed', stamp = ${ids.next()}, updated_at = ${clock.now()}
      WHERE id = ${payment.id} AND status = 'open' AND provider_id IS ${payment.providerId}`,
  );
  return ended > 0;
}
