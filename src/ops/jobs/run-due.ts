import { Commit } from "../../events/commit.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { describeError } from "../../platform/log.ts";
import { all, each, type Sql, sql } from "../../platform/sql.ts";
import { CUT_OFF, GOES_ON, MAX_RUN_MS, perform, recordEnds } from "./perform.ts";
import type { Job, RunReport } from "./run.ts";
import { readSchedule } from "./schedule.ts";
import { JOBS } from "./table.ts";

interface JobRow {
  name: string;
  schedule: string | null;
  enabled: number;
  ran_for: number | null;
  /** The run for `ran_for`, if it was cut off and is the only run for that time. */
  cut_off: string | null;
}

/** A job that is due, or whose last run was cut off. */
interface Due {
  job: Job;
  /** The id of the run that is about to begin. */
  id: string;
  /** The rule that a person gave it, as it was read; null for the built-in one. */
  schedule: string | null;
  /** Up to when its schedule was run before. */
  since: number;
  /** The last time at which it was due. After an outage, one run makes up for all times before it. */
  scheduledFor: number;
  /** The run that was cut off: this one marks it as failed, and makes up for it. */
  cutOff: string | null;
}

const MINUTE_MS = 60_000;

/**
 * Runs every job that is due, once for all its times up to now, even if several workers do this at once. Called each minute.
 *
 * One batch begins all runs, and each begins once. If a worker dies, its run stays `running` until the job runs again: at its
 * next time, or earlier, for the same time, as soon as the worker must be dead. Throws only when D1 cannot begin the runs.
 * Then nothing has happened, and the next minute tries again.
 */
export async function runDueJobs(context: Context): Promise<void> {
  const now = context.clock.now();
  const stored = await all(
    context.env.DB,
    sql<JobRow>`
      SELECT jobs.name, jobs.schedule, jobs.enabled, jobs.ran_for, run.id AS cut_off
      FROM jobs LEFT JOIN job_runs AS run ON run.id = (
          SELECT last.id FROM job_runs AS last WHERE last.name = jobs.name ORDER BY last.started_at DESC LIMIT 1)
        AND run.outcome = 'running' AND run.scheduled_for = jobs.ran_for AND run.started_at < ${now - MAX_RUN_MS}
        AND NOT ${GOES_ON}
        AND NOT EXISTS (SELECT 1 FROM job_runs AS twin WHERE twin.name = run.name AND twin.id <> run.id
          AND twin.scheduled_for = run.scheduled_for)`,
  );
  // For a job that was never run, only times from this minute on count.
  const start = now - (now % MINUTE_MS) - 1;
  const rows = new Map(stored.map((row) => [row.name, row]));
  const fresh = JOBS.filter(({ name }) => rows.get(name)?.ran_for == null).map(({ name }) => name);
  const due = JOBS.flatMap((job) => dueOf(context, job, rows.get(job.name), start, now));
  const begun = await begin(context, { due, fresh, start, now });

  const run = ({ job, id, since }: Due): Promise<RunReport> =>
    perform(context, job, { id, startedAt: now, since, ahead: 0 });
  const sweep = async () => {
    const ended: RunReport[] = [];
    for (const one of begun) if (one.job.sweep) ended.push(await run(one));
    await recordEnds(context, ended);
  };
  const others = begun.filter(({ job }) => !job.sweep);
  await Promise.all([sweep(), ...others.map(async (one) => recordEnds(context, [await run(one)]))]);
}

function dueOf(context: Context, job: Job, row: JobRow | undefined, start: number, now: number): Due[] {
  if (row?.enabled === 0) return [];
  const schedule = row?.schedule ?? null;
  const since = row?.ran_for ?? start;
  try {
    const times = readSchedule(schedule ?? job.schedule, context.settings.TIME_ZONE);
    const next = times.after(since);
    const cutOff = row?.cut_off ?? null;
    const isDue = next !== null && next <= now;
    if (!isDue && cutOff === null) return [];
    const scheduledFor = (isDue ? times.upTo(now) : null) ?? since;
    return [{ job, id: prefixed("run", context.ids.next()), schedule, since, scheduledFor, cutOff }];
  } catch (error) {
    context.log.error("a schedule cannot be read", { job: job.name, error: describeError(error) });
    return [];
  }
}

/**
 * Writes a run for each job that is still as it was read, and then, for those alone, up to when the schedule was run. Of two
 * workers at once, the second finds that changed, and begins nothing. Returns what was begun.
 */
async function begin(
  context: Context,
  { due, fresh, start, now }: { due: Due[]; fresh: string[]; start: number; now: number },
): Promise<Due[]> {
  if (due.length === 0 && fresh.length === 0) return [];
  const wanted = each(due.map(({ job, ...one }) => ({ ...one, name: job.name })));
  const commit = new Commit(context);
  if (fresh.length > 0) commit.write(markSeen(fresh, start));
  const begun = commit.win(sql<{ id: string }>`
      INSERT INTO job_runs (id, name, scheduled_for, started_at, outcome)
      SELECT row.value ->> 'id', row.value ->> 'name', row.value ->> 'scheduledFor', ${now}, 'running'
      FROM ${wanted} AS row JOIN jobs ON jobs.name = row.value ->> 'name' AND jobs.enabled = 1
        AND jobs.ran_for = row.value ->> 'since' AND jobs.schedule IS row.value ->> 'schedule'
        AND (row.value ->> 'cutOff' IS NULL
          OR EXISTS (SELECT 1 FROM job_runs WHERE job_runs.id = row.value ->> 'cutOff' AND outcome = 'running'))
      RETURNING id`);
  commit.write(
    sql`
      UPDATE jobs SET ran_for = row.value ->> 'scheduledFor' FROM ${wanted} AS row
      WHERE jobs.name = row.value ->> 'name'
        AND EXISTS (SELECT 1 FROM job_runs WHERE job_runs.id = row.value ->> 'id')`,
    sql`
      UPDATE job_runs SET outcome = 'failed', detail = ${CUT_OFF} FROM ${wanted} AS row
      WHERE job_runs.id = row.value ->> 'cutOff' AND job_runs.outcome = 'running'
        AND EXISTS (SELECT 1 FROM job_runs AS next WHERE next.id = row.value ->> 'id')`,
  );
  const won = new Set((await commit.send()).rows(begun).map(({ id }) => id));
  return due.filter(({ id }) => won.has(id));
}

/** Marks jobs that were never run as run up to `start`: from now on, missed times of theirs are made up for. */
const markSeen = (names: string[], start: number): Sql => sql`
  INSERT INTO jobs (name, enabled, ran_for) SELECT value, 1, ${start} FROM ${each(names)} WHERE true
  ON CONFLICT (name) DO UPDATE SET ran_for = excluded.ran_for WHERE jobs.ran_for IS NULL`;
