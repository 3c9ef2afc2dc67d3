import type { Context } from "../../platform/context.ts";
import { withoutQuery } from "../../platform/d1.ts";
import { storableText } from "../../platform/json-text.ts";
import { describeError } from "../../platform/log.ts";
import { sql } from "../../platform/sql.ts";
import { type Job, NOTHING_TO_DO, type Run, type RunReport, writeReports } from "./run.ts";

/** How long a cron trigger's worker may live. A run that has not ended by then was cut off. */
export const MAX_RUN_MS = 15 * 60_000;
/** SQL over `job_runs AS run`: a pending task goes on with the run, however long that takes. */
export const GOES_ON = sql`EXISTS (
  SELECT 1 FROM work WHERE work.state = 'owed' AND work.task = 'reconcile' AND work.object_id = run.id)`;
export const CUT_OFF = "its worker died before it ended";

const MAX_DETAIL_LENGTH = 2_000;

/** Runs a job, and never throws: a job that throws has failed. */
export async function perform(
  context: Context,
  job: Job,
  run: Run,
  now: () => number = () => context.clock.now(),
): Promise<RunReport> {
  const { id, startedAt } = run;
  const log = context.log.with({ job: job.name, run: id });
  const report = (outcome: RunReport["outcome"], detail: string): RunReport => ({
    id,
    name: job.name,
    startedAt,
    finishedAt: outcome === "running" ? null : now(),
    outcome,
    detail: storableText(detail, MAX_DETAIL_LENGTH),
  });
  try {
    const result = await job.handler({ ...context, log }, run);
    const goesOn = result !== null && typeof result !== "string";
    const done = goesOn ? report("running", result.goesOn) : report("done", result ?? NOTHING_TO_DO);
    log.info(goesOn ? "a job goes on" : "a job ran", { done: done.detail, duration_ms: now() - startedAt });
    return done;
  } catch (error) {
    const thrown = withoutQuery(error);
    log.error("a job failed", { error: describeError(error), duration_ms: now() - startedAt });
    return report("failed", thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Records how runs ended, in one batch. */
export async function recordEnds(context: Context, runs: RunReport[]): Promise<void> {
  if (runs.length === 0) return;
  try {
    await writeReports(context, runs);
  } catch (error) {
    // The job itself is done, and its next run comes by the schedule, so only this run's record stays `running`.
    context.log.error("the end of a job could not be recorded", { error: describeError(error) });
  }
}
