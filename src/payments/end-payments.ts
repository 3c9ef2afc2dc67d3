import type { Task, TaskOutcome } from "../events/work.ts";
import type { Context } from "../platform/context.ts";
import { run, sql } from "../platform/sql.ts";
import { readMoneyOfOrder } from "./money.ts";
import type { CancellerOf, Payment } from "./provider.ts";

/**
 * Ends the payments of a dead order that are still open, so that nobody goes on paying it. What was taken meanwhile is
 * left to its webhook; what the provider does not know was never there. May run twice and late: what has died, or has
 * taken money, is left alone, and an order that waits again for a payment does not come back from the dead.
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
  // Whoever was opening it has the provider's name for it by now.
  return ended || payment.providerId !== null
    ? { kind: "done" }
    : { kind: "failed", error: `the payment ${payment.id} is being opened` };
}

/** Under the name that was asked about: one that is filled in from now on is open again, and ended by its own task. */
async function markEnded({ env, clock, ids }: Context, payment: Payment): Promise<boolean> {
  const ended = await run(
    env.DB,
    sql`UPDATE payments SET status = 'failed', stamp = ${ids.next()}, updated_at = ${clock.now()}
      WHERE id = ${payment.id} AND status = 'open' AND provider_id IS ${payment.providerId}`,
  );
  return ended > 0;
}
