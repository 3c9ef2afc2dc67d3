import type { Context } from "../../platform/context.ts";
import { jsonParameter, withoutQuery } from "../../platform/d1.ts";
import { describeError } from "../../platform/log.ts";
import type { Job, Run } from "./table.ts";

/** A run that ended, or goes on as work. Stamps are milliseconds. */
export interface RunReport {
  id: string;
  name: string;
  startedAt: number;
  /** Null while it goes on. */
  finishedAt: number | null;
  outcome: "done" | "failed" | "running";
  /** What was done, so far or at all, or why it failed. */
  detail: string;
}

/** As long as a cron trigger's worker may live: what has not ended by then was cut off. */
export const MAX_RUN_MS = 15 * 60_000;
/** SQL over `job_runs AS run`: work is owed that goes on with it, however long it is. */
export const GOES_ON = "EXISTS (SELECT 1 FROM work WHERE work.state = 'owed' AND work.object_id = run.id)";
export const CUT_OFF = "its worker died before it ended";

const MAX_DETAIL_LENGTH = 2_000;
const NOTHING = "nothing to do";

/** Does a job, and never throws: a job that throws has failed. */
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
    detail: detail.slice(0, MAX_DETAIL_LENGTH),
  });
  try {
    const result = await job.handler({ ...context, log }, run);
    const goesOn = result !== null && typeof result !== "string";
    const done = goesOn ? report("running", result.goesOn) : report("done", result ?? NOTHING);
    log.info(goesOn ? "a job goes on" : "a job ran", { done: done.detail, duration_ms: now() - startedAt });
    return done;
  } catch (error) {
    const thrown = withoutQuery(error);
    log.error("a job failed", { error: describeError(error), duration_ms: now() - startedAt });
    return report("failed", thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/**
 * Writes down how runs ended, in one batch. A scheduled run with nothing to do is kept until the next one, so a quiet
 * shop keeps one row for each job and not one for each minute.
 */
export async function recordEnds(context: Context, runs: RunReport[]): Promise<void> {
  if (runs.length === 0) return;
  try {
    await writeReports(context, runs);
  } catch (error) {
    // The work is done, and the next run is by the schedule: only the record says `running` of it.
    context.log.error("the end of a job could not be recorded", { error: describeError(error) });
  }
}

/** The same, for work that ends a run, and is done again when that cannot be written. An end is never taken back. */
export async function writeReports({ env }: Context, runs: RunReport[]): Promise<void> {
  const rows = runs.map(({ id, finishedAt, outcome, detail }) => ({ id, finishedAt, outcome, detail }));
  await env.DB.batch([
    env.DB.prepare(
      `UPDATE job_runs SET finished_at = row.value ->> 'finishedAt', outcome = row.value ->> 'outcome',
         detail = row.value ->> 'detail'
       FROM json_each(?1) AS row WHERE job_runs.id = row.value ->> 'id'
         AND (job_runs.outcome = 'running' OR row.value ->> 'outcome' <> 'running')`,
    ).bind(jsonParameter(rows)),
    forgetIdleBefore(env.DB, runs),
  ]);
}

/** Deletes the run right before each of these, where it too was by the schedule and had nothing to do. */
const forgetIdleBefore = (db: D1Database, runs: RunReport[]): D1PreparedStatement =>
  db
    .prepare(
      `DELETE FROM job_runs WHERE outcome = 'done' AND detail = ?2 AND scheduled_for IS NOT NULL AND id IN (
         SELECT (SELECT before.id FROM job_runs AS before
                 WHERE before.name = row.value ->> 'name' AND before.started_at < row.value ->> 'startedAt'
                 ORDER BY before.started_at DESC LIMIT 1)
         FROM json_each(?1) AS row)`,
    )
    .bind(jsonParameter(runs.map(({ name, startedAt }) => ({ name, startedAt }))), NOTHING);
