import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { composeNotice, noticeSchema } from "../../../src/notifications/tasks.ts";
import { testContext } from "../../events/context.ts";
import { testClock } from "../../support/clock.ts";
import worker from "../../support/worker.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export interface RunRow {
  id: string;
  name: string;
  scheduled_for: number | null;
  started_at: number;
  finished_at: number | null;
  outcome: string;
  detail: string | null;
}

/** Moves the hands to an instant. */
export const goTo = (iso: string): void => testClock.advance(Date.parse(iso) - testClock.now());

/** The Worker's cron, now, with settings of the test's own. */
export async function tick(settings: Record<string, unknown> = {}): Promise<void> {
  const execution = createExecutionContext();
  await worker.scheduled(createScheduledController(), { ...env, ...settings } as Cloudflare.Env, execution);
  await waitOnExecutionContext(execution);
}

/** Runs of a job, or of all, the oldest first. */
export async function runsOf(name = "%"): Promise<RunRow[]> {
  const { results } = await env.DB.prepare(
    "SELECT * FROM job_runs WHERE name LIKE ?1 ORDER BY started_at, name",
  )
    .bind(name)
    .all<RunRow>();
  return results;
}

export const momentsRun = async (name: string): Promise<(string | null)[]> =>
  (await runsOf(name)).map(({ scheduled_for }) =>
    scheduled_for === null ? null : new Date(scheduled_for).toISOString(),
  );

export async function reportDates(): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT date FROM daily_reports ORDER BY date").all<{
    date: string;
  }>();
  return results.map(({ date }) => date);
}

/** Mails owed or sent to the shop's own people, by subject. */
export async function notices(): Promise<{ subject: string; lines: string[] }[]> {
  const { results } = await env.DB.prepare(
    `SELECT payload FROM work WHERE task = 'email' AND payload ->> 'template' <> 'order_confirmation'
     ORDER BY created_at, id`,
  ).all<{ payload: string }>();
  return Promise.all(
    results.map(async ({ payload }) => {
      const { subject, lines } = await composeNotice(testContext(), noticeSchema.parse(JSON.parse(payload)));
      return { subject, lines };
    }),
  );
}
