import type { Context } from "../../platform/context.ts";
import { jsonParameter } from "../../platform/d1.ts";
import type { RunReport } from "./run.ts";

/** The detail of a run that found nothing to do. */
export const NOTHING = "nothing to do";

/** Writes down how runs ended, or how far they have come. An end is never taken back. */
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
