import type { Context } from "../../platform/context.ts";
import { each, runBatch, type Sql, sql } from "../../platform/sql.ts";
import type { RunReport } from "./run.ts";

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
