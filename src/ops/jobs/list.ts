import { isoStamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { jsonParameter, rowsOf } from "../../platform/d1.ts";
import { readRule } from "./moments.ts";
import { CUT_OFF, GOES_ON, MAX_RUN_MS } from "./perform.ts";
import type { Job } from "./run.ts";
import type { JobChange, JobWire } from "./schemas.ts";
import { JOBS } from "./table.ts";

interface Row {
  name: string;
  schedule: string | null;
  enabled: number | null;
  started_at: number | null;
  finished_at: number | null;
  outcome: "running" | "done" | "failed" | null;
  detail: string | null;
  goes_on: number | null;
}

/** These jobs as they stand, in the order of the table, in one round trip. */
export async function readJobs(context: Context, jobs: readonly Job[] = JOBS): Promise<JobWire[]> {
  const results = await context.env.DB.batch([
    context.env.DB.prepare(
      `SELECT wanted.value AS name, jobs.schedule, jobs.enabled, run.started_at, run.finished_at, run.outcome, run.detail,
         run.outcome = 'running' AND ${GOES_ON} AS goes_on
       FROM json_each(?1) AS wanted
       LEFT JOIN jobs ON jobs.name = wanted.value
       LEFT JOIN job_runs AS run ON run.id = (
         SELECT latest.id FROM job_runs AS latest WHERE latest.name = wanted.value
         ORDER BY latest.started_at DESC, latest.id DESC LIMIT 1)`,
    ).bind(jsonParameter(jobs.map(({ name }) => name))),
  ]);
  const rows = new Map(rowsOf<Row>(results, 0).map((row) => [row.name, row]));
  return jobs.map((job) => render(context, job, rows.get(job.name)));
}

function render({ clock, settings }: Context, job: Job, row: Row | undefined): JobWire {
  const schedule = row?.schedule ?? job.schedule;
  const enabled = row?.enabled !== 0;
  const next = enabled ? readRule(schedule, settings.TIME_ZONE).after(clock.now()) : null;
  return {
    name: job.name,
    schedule,
    enabled,
    last_run: row ? lastRun(row, clock.now()) : null,
    next_at: next === null ? null : isoStamp(next),
  };
}

function lastRun(
  { started_at, finished_at, outcome, detail, goes_on }: Row,
  now: number,
): JobWire["last_run"] {
  if (started_at === null || outcome === null) return null;
  const died = outcome === "running" && !goes_on && started_at < now - MAX_RUN_MS;
  return {
    at: isoStamp(started_at),
    outcome: died ? "failed" : outcome,
    duration_ms: finished_at === null ? null : finished_at - started_at,
    detail: died ? CUT_OFF : detail,
  };
}

/**
 * Gives a job another rule, or switches it. What a new rule would have named before now is no missed moment, nor is
 * what passed while the job was off: its schedule counts as run up to now. What is left out stays as it is, and where all is, nothing is written.
 */
export async function changeJob({ env, clock }: Context, job: Job, change: JobChange): Promise<void> {
  const { schedule, enabled } = change;
  if (schedule === undefined && enabled === undefined) return;
  await env.DB.prepare(
    `INSERT INTO jobs (name, schedule, enabled, ran_for) VALUES (?1, ?2, coalesce(?4, 1), ?5)
     ON CONFLICT (name) DO UPDATE SET
       schedule = CASE WHEN ?3 THEN ?2 ELSE jobs.schedule END,
       enabled = coalesce(?4, jobs.enabled),
       ran_for = CASE WHEN (?3 AND jobs.schedule IS NOT ?2) OR coalesce(?4, 0) > jobs.enabled
         THEN max(coalesce(jobs.ran_for, 0), ?5) ELSE jobs.ran_for END`,
  )
    .bind(
      job.name,
      schedule ?? null,
      schedule === undefined ? 0 : 1,
      enabled === undefined ? null : Number(enabled),
      clock.now(),
    )
    .run();
}
