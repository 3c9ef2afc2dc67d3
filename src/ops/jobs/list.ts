import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { all, each, run, sql } from "../../platform/sql.ts";
import { CUT_OFF, GOES_ON, MAX_RUN_MS } from "./perform.ts";
import type { Job } from "./run.ts";
import { readSchedule } from "./schedule.ts";
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

/** These jobs with their last runs, in the given order. One round trip. */
export async function readJobs(context: Context, jobs: readonly Job[] = JOBS): Promise<JobWire[]> {
  const rows = await all(
    context.env.DB,
    sql<Row>`
      SELECT wanted.value AS name, jobs.schedule, jobs.enabled, run.started_at, run.finished_at, run.outcome, run.detail,
        run.outcome = 'running' AND ${GOES_ON} AS goes_on
      FROM ${each(jobs.map(({ name }) => name))} AS wanted
      LEFT JOIN jobs ON jobs.name = wanted.value
      LEFT JOIN job_runs AS run ON run.id = (
        SELECT latest.id FROM job_runs AS latest WHERE latest.name = wanted.value
        ORDER BY latest.started_at DESC, latest.id DESC LIMIT 1)`,
  );
  const byName = new Map(rows.map((row) => [row.name, row]));
  return jobs.map((job) => render(context, job, byName.get(job.name)));
}

function render({ clock, settings }: Context, job: Job, row: Row | undefined): JobWire {
  const schedule = row?.schedule ?? job.schedule;
  const enabled = row?.enabled !== 0;
  const next = enabled ? readSchedule(schedule, settings.TIME_ZONE).after(clock.now()) : null;
  return {
    name: job.name,
    schedule,
    enabled,
    last_run: row ? lastRun(row, clock.now()) : null,
    ...(isNeglect(job, { schedule, enabled })
      ? { warning: `Stock and money wait for it: it should come ${job.needed?.often} at least.` }
      : {}),
    next_at: next === null ? null : isoTimestamp(next),
  };
}

function lastRun(
  { started_at, finished_at, outcome, detail, goes_on }: Row,
  now: number,
): JobWire["last_run"] {
  if (started_at === null || outcome === null) return null;
  const died = outcome === "running" && !goes_on && started_at < now - MAX_RUN_MS;
  return {
    at: isoTimestamp(started_at),
    outcome: died ? "failed" : outcome,
    duration_ms: finished_at === null ? null : finished_at - started_at,
    detail: died ? CUT_OFF : detail,
  };
}

/** Whether this would keep what waits for the job waiting for too long. */
export const isNeglect = ({ needed }: Job, { schedule, enabled }: JobChange): boolean =>
  needed !== undefined && (enabled === false || (schedule != null && !needed.rule.test(schedule)));

/**
 * Gives a job another rule, or switches it on or off. What is left out stays as it is. With a new rule, or when it is
 * switched on, the job counts as run up to now, so that it makes up for no time before that.
 */
export async function changeJob({ env, clock }: Context, job: Job, change: JobChange): Promise<void> {
  const { schedule, enabled } = change;
  if (schedule === undefined && enabled === undefined) return;
  const rule = schedule ?? null;
  const isRuled = schedule === undefined ? 0 : 1;
  const isOn = enabled === undefined ? null : Number(enabled);
  const now = clock.now();
  await run(
    env.DB,
    sql`
      INSERT INTO jobs (name, schedule, enabled, ran_for) VALUES (${job.name}, ${rule}, coalesce(${isOn}, 1), ${now})
      ON CONFLICT (name) DO UPDATE SET
        schedule = CASE WHEN ${isRuled} THEN ${rule} ELSE jobs.schedule END,
        enabled = coalesce(${isOn}, jobs.enabled),
        ran_for = CASE WHEN (${isRuled} AND jobs.schedule IS NOT ${rule}) OR coalesce(${isOn}, 0) > jobs.enabled
          THEN max(coalesce(jobs.ran_for, 0), ${now}) ELSE jobs.ran_for END`,
  );
}
