import type { Context } from "../../platform/context.ts";
import { jsonParameter, withoutQuery } from "../../platform/d1.ts";
import { describeError } from "../../platform/log.ts";
import type { Job, Run } from "./table.ts";

/** A run that ended. Stamps are milliseconds. */
export interface EndedRun {
  id: string;
  name: string;
  startedAt: number;
  finishedAt: number;
  outcome: "done" | "failed";
  /** What was done, or why it failed. */
  detail: string;
}

/** As long as a cron trigger's worker may live: what has not ended by then was cut off. */
export const MAX_RUN_MS = 15 * 60_000;
export const CUT_OFF = "its worker died before it ended";

const MAX_DETAIL_LENGTH = 2_000;
const NOTHING = "nothing to do";

/** Does a job, and never throws: a job that throws has failed. */
export async function perform(
  context: Context,
  job: Job,
  begun: { id: string; startedAt: number; run: Run },
  now: () => number = () => context.clock.now(),
): Promise<EndedRun> {
  const log = context.log.with({ job: job.name, run: begun.id });
  const ended = (outcome: EndedRun["outcome"], detail: string): EndedRun => ({
    id: begun.id,
    name: job.name,
    startedAt: begun.startedAt,
    finishedAt: now(),
    outcome,
    detail: detail.slice(0, MAX_DETAIL_LENGTH),
  });
  try {
    const detail = await job.handler({ ...context, log }, begun.run);
    const run = ended("done", detail ?? NOTHING);
    log.info("a job ran", { done: run.detail, duration_ms: run.finishedAt - run.startedAt });
    return run;
  } catch (error) {
    const thrown = withoutQuery(error);
    const run = ended("failed", thrown instanceof Error ? thrown.message : String(thrown));
    log.error("a job failed", { error: describeError(error), duration_ms: run.finishedAt - run.startedAt });
    return run;
  }
}

/**
 * Writes down how runs ended, in one batch. A scheduled run with nothing to do is kept until the next one, so a quiet
 * shop keeps one row for each job and not one for each minute.
 */
export async function recordEnds({ env, log }: Context, runs: EndedRun[]): Promise<void> {
  if (runs.length === 0) return;
  const rows = runs.map(({ id, finishedAt, outcome, detail }) => ({ id, finishedAt, outcome, detail }));
  try {
    await env.DB.batch([
      env.DB.prepare(
        `UPDATE job_runs SET finished_at = row.value ->> 'finishedAt', outcome = row.value ->> 'outcome',
           detail = row.value ->> 'detail'
         FROM json_each(?1) AS row WHERE job_runs.id = row.value ->> 'id'`,
      ).bind(jsonParameter(rows)),
      forgetIdleBefore(env.DB, runs),
    ]);
  } catch (error) {
    // The work is done, and the next run is by the schedule: only the record says `running` of it.
    log.error("the end of a job could not be recorded", { error: describeError(error) });
  }
}

/** Deletes the run right before each of these, where it too was by the schedule and had nothing to do. */
const forgetIdleBefore = (db: D1Database, runs: EndedRun[]): D1PreparedStatement =>
  db
    .prepare(
      `DELETE FROM job_runs WHERE outcome = 'done' AND detail = ?2 AND scheduled_for IS NOT NULL AND id IN (
         SELECT (SELECT before.id FROM job_runs AS before
                 WHERE before.name = row.value ->> 'name' AND before.started_at < row.value ->> 'startedAt'
                 ORDER BY before.started_at DESC LIMIT 1)
         FROM json_each(?1) AS row)`,
    )
    .bind(jsonParameter(runs.map(({ name, startedAt }) => ({ name, startedAt }))), NOTHING);
