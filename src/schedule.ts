import { runDueJobs } from "./ops/jobs/run-due.ts";
import { addUpDays } from "./orders/statistics/add-up.ts";
import { setAsideDead } from "./payments/set-aside.ts";
import type { Context } from "./platform/context.ts";
import { forgetOldKeys } from "./platform/idempotency-keys.ts";
import { describeError } from "./platform/log.ts";
import { isRestoring } from "./platform/restoring.ts";

/**
 * Each minute: payment events that can no longer be worked off, the jobs that are due, old idempotency keys, and after a
 * midnight in UTC the figures of the day. The keys are no job, because they come by the minute and must go by it: a
 * week's worth would be too many for one run. Nor are the figures, since nobody gains by not adding them up.
 * While a backup overwrites the shop a minute does nothing; the first one after it makes up for what it missed.
 */
export async function runSchedule(context: Context): Promise<void> {
  if (await cannotRun(context)) return;
  // What is set aside may expire, so this comes before the jobs.
  await guarded(context, "set-aside-dead", () => setAsideDead(context));
  await guarded(context, "jobs", () => runDueJobs(context));
  await guarded(context, "forget-keys", () => forgetOldKeys(context));
  await guarded(context, "add-up-days", () => addUpDays(context));
}

async function cannotRun(context: Context): Promise<boolean> {
  try {
    return await isRestoring(context);
  } catch (error) {
    context.log.error("the minute failed", { schedule: "state", error: describeError(error) });
    return true;
  }
}

/** What fails is told in the log and stops nothing else; the next minute tries again. */
async function guarded(context: Context, part: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    context.log.error("the minute failed", { schedule: part, error: describeError(error) });
  }
}
