import type { Context } from "../../platform/context.ts";
import { batch, constant, first, run, sql } from "../../platform/sql.ts";
import { addDays, dateAt, dayOf } from "./day.ts";
import { readFigures } from "./figures.ts";
import type { DailyReportWire } from "./schemas.ts";

/** Days further back than these are not made up for: who asks for one gets it made on the spot. */
const MAX_DAYS = 31;

/** An order carries the time at which it was decided, and is written as long after it at most. */
const IN_FLIGHT_MS = 10_000;
/** A report made within so many days of its own shows that the job ran then: what is missing since is owed. */
const IN_TIME_DAYS = 4;

/**
 * Job `daily-report`: writes the report of each day that is over and has none, the oldest first. From yesterday back
 * to the day that `since` lies in, or the last that was reported in time. Each date is written once, by whoever comes
 * first, and never before the day is over by the real clock: what is written stays.
 * @param since how far the schedule had been run, milliseconds; null when a person asks
 * @param realNow milliseconds; the context's clock may be set to another time, to run the job as if then
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
    // What was made late was asked for by a person, and says nothing of the days after it.
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
    // The run at a midnight was for the day before it, and may have failed.
    ...(since === null ? [] : [dateAt(since - 1, settings.TIME_ZONE)]),
  ].sort()[0];

  const wanted = Array.from({ length: MAX_DAYS }, (_, index) => addDays(today, index - MAX_DAYS)).filter(
    (date) => begin !== undefined && date >= begin && !there.has(date),
  );
  const now = await afterTheDay(context, wanted.at(-1), realNow);
  for (const date of wanted) await make(context, date, now);
  return wanted.length === 0 ? null : `made ${wanted.join(", ")}`;
}

/** Waits out what began on the last of the days and is written after it. Returns the time then, by the real clock. */
async function afterTheDay(
  { clock, settings }: Context,
  last: string | undefined,
  now: number,
): Promise<number> {
  const settled = last === undefined ? now : dayOf(last, settings.TIME_ZONE).end + IN_FLIGHT_MS;
  if (now >= settled) return now;
  await clock.sleep(settled - now);
  return settled;
}

async function make(context: Context, date: string, now: number): Promise<void> {
  const figures = await readFigures(context, date, now);
  await run(
    context.env.DB,
    sql`INSERT INTO daily_reports (date, figures, made_at) VALUES (${date}, ${JSON.stringify(figures)}, ${now})
      ON CONFLICT DO NOTHING`,
  );
}

export type ReportOutcome = { kind: "report"; report: DailyReportWire } | { kind: "not_yet"; today: string };

/** The report of a day as it was written; where there is none, as it would be now. @param date today when null */
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
