import type { Context } from "../../platform/context.ts";
import { each, runBatch, type Sql, sql } from "../../platform/sql.ts";

/** What a job is told of the run that it is. */
export interface Run {
  id: string;
  /** Milliseconds, by the real clock. */
  startedAt: number;
  /** How far its schedule had been run before, milliseconds; null when a person started it. */
  since: number | null;
  /** How far its clock is before the one that consumers go by, milliseconds: 0 but for a run as if at another time. */
  ahead: number;
}

/**
 * What was done, in words; null when there was nothing to do. `goesOn`: what was done so far, where the rest is work owed
 * whose object is the run. The run is `running` until that work ends it by writeReports.
 */
export type JobResult = string | null | { goesOn: string };

export interface Job {
  name: string;
  /** The built-in cron rule, in `TIME_ZONE`. */
  schedule: string;
  /**
   * Sweeps run one after the other, in the order of the table: what expires owes work, so the bells come after it.
   * The rest run beside them, so that a slow one keeps nobody waiting.
   */
  sweep: boolean;
  /**
   * Must be safe to run twice and at once, and to be cut off at any point.
   */
  handler: (context: Context, run: Run) => Promise<JobResult>;
}

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

/** The detail of a run that found nothing to do. */
export const NOTHING = "nothing to do";

/** Writes down how runs ended, or how far they have come. An end is never taken back. */
export async function writeReports({ env }: Context, runs: RunReport[]): Promise<void> {
  const rows = runs.map(({ id, finishedAt, outcome, detail }) => ({ id, finishedAt, outcome, detail }));
  await runBatch(env.DB, [
    sql`
      UPDATE job_runs SET finished_at = row.value ->> 'finishedAt', outcome = row.value ->> 'outcome',
        detail = row.value ->> 'detail'
      FROM ${each(rows)} AS row WHERE job_runs.id = row.value ->> 'id'
        AND (job_runs.outcome = 'running' OR row.value ->> 'outcome' <> 'running')`,
    forgetIdleBefore(runs),
  ]);
}

/** Deletes the run right before each of these, where it too was by the schedule and had nothing to do. */
const forgetIdleBefore = (runs: RunReport[]): Sql => sql`
  DELETE FROM job_runs WHERE outcome = 'done' AND detail = ${NOTHING} AND scheduled_for IS NOT NULL AND id IN (
    SELECT (SELECT before.id FROM job_runs AS before
            WHERE before.name = row.value ->> 'name' AND before.started_at < row.value ->> 'startedAt'
            ORDER BY before.started_at DESC LIMIT 1)
    FROM ${each(runs.map(({ name, startedAt }) => ({ name, startedAt })))} AS row)`;
