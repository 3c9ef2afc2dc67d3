import type { Context } from "../../platform/context.ts";
import { notRestoredSince } from "../../platform/restoring.ts";
import { each, runBatch, type Sql, sql } from "../../platform/sql.ts";

/** What a job knows of its run. */
export interface Run {
  id: string;
  /** Milliseconds, by the real clock. */
  startedAt: number;
  /** Up to when its schedule was run before, milliseconds; null when a person started it. */
  since: number | null;
  /** How far its clock is ahead of the real one, milliseconds: 0, except for a run as if at another time. */
  ahead: number;
}

/**
 * What was done, in words; null when there was nothing to do. `goesOn` says what was done so far, when a pending task whose
 * object is the run does the rest. The run is `running` until that task ends it by writeReports.
 */
export type JobResult = string | null | { goesOn: string };

export interface Job {
  name: string;
  /** The built-in cron rule, in `TIME_ZONE`. */
  schedule: string;
  /**
   * Sweeps run one after the other, in the order of the table: expiring orders adds tasks, and then tasks are woken. The
   * other jobs run at the same time, so that a slow one delays nothing.
   */
  sweep: boolean;
  /**
   * Where stock or money waits for it: the rules by which it comes often enough, and in words. To switch it off, or give it
   * another rule, is for admins.
   */
  needed?: { rule: RegExp; often: string };
  /** Must be safe to run twice, also at the same time, and to be cut off anywhere. */
  handler: (context: Context, run: Run) => Promise<JobResult>;
}

/** A run that has ended, or goes on by a task. Times are milliseconds. */
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
export const NOTHING_TO_DO = "nothing to do";

/** Records how runs ended, or how far they have come. An end that is recorded stays. */
export async function writeReports(context: Context, runs: RunReport[]): Promise<void> {
  const rows = runs.map(({ id, finishedAt, outcome, detail }) => ({ id, finishedAt, outcome, detail }));
  await runBatch(context.env.DB, [
    sql`
      UPDATE job_runs SET finished_at = row.value ->> 'finishedAt', outcome = row.value ->> 'outcome',
        detail = row.value ->> 'detail'
      FROM ${each(rows)} AS row WHERE job_runs.id = row.value ->> 'id'
        AND (job_runs.outcome = 'running' OR row.value ->> 'outcome' <> 'running') AND ${notRestoredSince(context)}`,
    forgetIdleBefore(runs),
  ]);
}

/**
 * Deletes the run right before each of these, if it was scheduled and had nothing to do: so a quiet shop keeps one row for
 * each job, and not one for each minute.
 */
const forgetIdleBefore = (runs: RunReport[]): Sql => sql`
  DELETE FROM job_runs WHERE outcome = 'done' AND detail = ${NOTHING_TO_DO} AND scheduled_for IS NOT NULL AND id IN (
    SELECT (SELECT before.id FROM job_runs AS before
            WHERE before.name = row.value ->> 'name' AND before.started_at < row.value ->> 'startedAt'
            ORDER BY before.started_at DESC LIMIT 1)
    FROM ${each(runs.map(({ name, startedAt }) => ({ name, startedAt })))} AS row)`;
