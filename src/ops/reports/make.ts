import type { Context } from "../../platform/context.ts";
import { addDays, dateAt, dayOf } from "../../platform/day.ts";
import { notRestoredSince } from "../../platform/restoring.ts";
import { batch, constant, first, run, sql } from "../../platform/sql.ts";
import { readFigures } from "./figures.ts";
import type { DailyReportWire } from "./schemas.ts";

/** The job makes up for this many days. A report of an older day is computed when it is asked for. */
const MAX_DAYS = 31;

/** An order has the time of its decision, and is written at most this long after it. */
const IN_FLIGHT_MS = 10_000;
/** A report that was made within so many days shows that the job ran then, so the days after it are to be made up for. */
const IN_TIME_DAYS = 4;

/**
 * Job `daily-report`: writes the reports that are missing, the oldest first: from the day that `since` is in, or the last day
 * that was reported in time, up to yesterday. A report stays as it was first written, so it is never written before its day
 * is over by the real clock.
 * @param since up to when the schedule was run before, milliseconds; null when a person started it
 * @param realNow milliseconds; the context's clock may be set to another time
 */
export async function makeDailyReports(
  context: Context,
  since: number | null,
  realNow: number = context.clock.now(),
): Promise<string | null> {
  const { env, settings, clock } = context;
  const today = dateAt(Math.min(clock.now(), realNow), settings.TIME_ZONE);
  const earliest = addDays(today, -MAX_DAYS);
  const found = await batch(env.DB, {
    // A report that was made late does not show that the job ran on the days after it.
    last: sql<{ date: string | null }>`
      SELECT max(date) AS date FROM daily_reports
      WHERE date >= ${earliest} AND date < ${today}
        AND made_at < (unixepoch(date) + ${constant(IN_TIME_DAYS)} * 86400) * 1000`,
    there: sql<{ date: string }>`SELECT date FROM daily_reports WHERE date >= ${earliest}`,
  });
  const last = found.last[0]?.date ?? null;
  const there = new Set(found.there.map(({ date }) => date));
  const begin = [
    addDays(today, -1),
    ...(last === null ? [] : [last]),
    // A run at midnight was for the day before, and may have failed.
    ...(since === null ? [] : [dateAt(since - 1, settings.TIME_ZONE)]),
  ].sort()[0];

  const wanted = Array.from({ length: MAX_DAYS }, (_, index) => addDays(today, index - MAX_DAYS)).filter(
    (date) => begin !== undefined && date >= begin && !there.has(date),
  );
  const now = await waitForLastOrders(context, wanted.at(-1), realNow);
  for (const date of wanted) await make(context, date, now);
  return wanted.length === 0 ? null : `made ${wanted.join(", ")}`;
}

/** Waits until no order of the last day can still be written. Returns the time after that, by the real clock. */
async function waitForLastOrders(
  { clock, settings }: Context,
  last: string | undefined,
  now: number,
): Promise<number> {
  const complete = last === undefined ? now : dayOf(last, settings.TIME_ZONE).end + IN_FLIGHT_MS;
  if (now >= complete) return now;
  await clock.sleep(complete - now);
  return complete;
}

async function make(context: Context, date: string, now: number): Promise<void> {
  const figures = await readFigures(context, date, now);
  await run(
    context.env.DB,
    sql`INSERT INTO daily_reports (date, figures, made_at)
      SELECT ${date}, ${JSON.stringify(figures)}, ${now} WHERE ${notRestoredSince(context)} ON CONFLICT DO NOTHING`,
  );
}

export type ReportOutcome = { kind: "report"; report: DailyReportWire } | { kind: "not_yet"; today: string };

/** The report of a day as it was written; if there is none, as it would be now. @param date today when null */
export async function readReport(context: Context, date: string | null): Promise<ReportOutcome> {
  const now = context.clock.now();
  const today = dateAt(now, context.settings.TIME_ZONE);
  const asked = date ?? today;
  if (asked > today) return { kind: "not_yet", today };
  const stored = await first(
    context.env.DB,
    sql<{ figures: string }>`SELECT figures FROM daily_reports WHERE date = ${asked}`,
  );
  const report = stored
    ? (JSON.parse(stored.figures) as DailyReportWire)
    : await readFigures(context, asked, now);
  return { kind: "report", report };
}
