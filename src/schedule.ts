import { foldRows } from "./catalog/search/fold-rows.ts";
import { runDueJobs } from "./ops/jobs/run-due.ts";
import { foldWords } from "./orders/fold-words.ts";
import { addUpDays } from "./orders/statistics/add-up.ts";
import { setAsideDead } from "./payments/set-aside.ts";
import type { Context } from "./platform/context.ts";
import { forgetOldKeys } from "./platform/idempotency-keys.ts";
import { describeError } from "./platform/log.ts";
import { readRestoreState } from "./platform/restoring.ts";

/**
 * What runs each minute: it sets aside payment events that can no longer be worked off, runs the jobs that are due, deletes
 * old idempotency keys, after midnight in UTC adds up the figures of the day, and folds names and texts that nobody has
 * folded, of products and of customers: those of a shop from before. Deleting keys is no job that people can
 * switch off, since a week's keys would be too many for one run; nor is adding up figures, which long ranges are read from.
 * While a backup overwrites the shop it does nothing, and the first minute after that makes up for it.
 */
export async function runSchedule(context: Context): Promise<void> {
  if (await cannotRun(context)) return;
  // What is set aside may expire, so this comes before the jobs.
  await guarded(context, "set-aside-dead", () => setAsideDead(context));
  await guarded(context, "jobs", () => runDueJobs(context));
  await guarded(context, "forget-keys", () => forgetOldKeys(context));
  await guarded(context, "add-up-days", () => addUpDays(context));
  await guarded(context, "fold-rows", () => foldRows(context));
  await guarded(context, "fold-words", () => foldWords(context));
}

async function cannotRun(context: Context): Promise<boolean> {
  try {
    const { restoring, generation } = await readRestoreState(context);
    context.generation = generation;
    return restoring;
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
