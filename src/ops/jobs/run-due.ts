import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { describeError } from "../../platform/log.ts";
import { all, batch, each, type Sql, sql } from "../../platform/sql.ts";
import { readRule } from "./moments.ts";
import { CUT_OFF, GOES_ON, MAX_RUN_MS, perform, recordEnds } from "./perform.ts";
import type { Job, RunReport } from "./run.ts";
import { JOBS } from "./table.ts";

interface JobRow {
  name: string;
  schedule: string | null;
  enabled: number;
  ran_for: number | null;
  /** The run of its last moment, where that was cut off and is the only one of its moment. */
  cut_off: string | null;
}

/** A job with a moment that it was not run for to the end. */
interface Due {
  job: Job;
  /** The id of the run that is about to begin. */
  id: string;
  /** A person's rule as it was read; null for the built-in one. */
  schedule: string | null;
  /** How far its schedule had been run. */
  since: number;
  /** Its last moment: after an outage the ones before it are not made up for one by one. */
  moment: number;
  /** The run that was cut off, which this one ends and makes up for. */
  cutOff: string | null;
}

const MINUTE_MS = 60_000;

/**
 * Runs every job that is due, each once for all of its moments up to now, whoever else is at it. Each minute.
 *
 * One batch begins all of them by the stamp rule. A run whose worker dies stays `running` until its job comes again:
 * at its next moment, or, where that is far, once more for the same one when the worker must be dead. Throws only
 * when D1 cannot begin them: nothing has happened then, and the next minute tries the same.
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
  // A shop has no past before its first minute: this one's moments are the first that count.
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
    const moments = readRule(schedule ?? job.schedule, context.settings.TIME_ZONE);
    const next = moments.after(since);
    const cutOff = row?.cut_off ?? null;
    const isDue = next !== null && next <= now;
    if (!isDue && cutOff === null) return [];
    const moment = (isDue ? moments.upTo(now) : null) ?? since;
    return [{ job, id: prefixed("run", context.ids.next()), schedule, since, moment, cutOff }];
  } catch (error) {
    context.log.error("a schedule cannot be read", { job: job.name, error: describeError(error) });
    return [];
  }
}

/**
 * Writes a run for each job that still stands as it was read, and then, for those alone, how far its schedule has
 * been run: of two workers at one moment the second finds it moved on, and begins nothing. Returns what was begun.
 */
async function begin(
  { env }: Context,
  { due, fresh, start, now }: { due: Due[]; fresh: string[]; start: number; now: number },
): Promise<Due[]> {
  if (due.length === 0 && fresh.length === 0) return [];
  const wanted = each(due.map(({ job, ...one }) => ({ ...one, name: job.name })));
  const { begun } = await batch(env.DB, {
    seen: fresh.length === 0 ? undefined : firstSeen(fresh, start),
    begun: sql<{ id: string }>`
      INSERT INTO job_runs (id, name, scheduled_for, started_at, outcome)
      SELECT row.value ->> 'id', row.value ->> 'name', row.value ->> 'moment', ${now}, 'running'
      FROM ${wanted} AS row JOIN jobs ON jobs.name = row.value ->> 'name' AND jobs.enabled = 1
        AND jobs.ran_for = row.value ->> 'since' AND jobs.schedule IS row.value ->> 'schedule'
        AND (row.value ->> 'cutOff' IS NULL
          OR EXISTS (SELECT 1 FROM job_runs WHERE job_runs.id = row.value ->> 'cutOff' AND outcome = 'running'))
      RETURNING id`,
    moved: sql`
      UPDATE jobs SET ran_for = row.value ->> 'moment' FROM ${wanted} AS row
      WHERE jobs.name = row.value ->> 'name'
        AND EXISTS (SELECT 1 FROM job_runs WHERE job_runs.id = row.value ->> 'id')`,
    cutOff: sql`
      UPDATE job_runs SET outcome = 'failed', detail = ${CUT_OFF} FROM ${wanted} AS row
      WHERE job_runs.id = row.value ->> 'cutOff' AND job_runs.outcome = 'running'
        AND EXISTS (SELECT 1 FROM job_runs AS next WHERE next.id = row.value ->> 'id')`,
  });
  const won = new Set(begun.map(({ id }) => id));
  return due.filter(({ id }) => won.has(id));
}

/** From now on a missed moment of these is made up for. */
const firstSeen = (names: string[], start: number): Sql => sql`
  INSERT INTO jobs (name, enabled, ran_for) SELECT value, 1, ${start} FROM ${each(names)} WHERE true
  ON CONFLICT (name) DO UPDATE SET ran_for = excluded.ran_for WHERE jobs.ran_for IS NULL`;
