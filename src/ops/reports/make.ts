import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { addDays, dateAt } from "./day.ts";
import { readFigures } from "./figures.ts";

/** Days further back than these are not made up for: who asks for one gets it made on the spot. */
const MAX_DAYS = 31;

/**
 * Job `daily-report`: writes the report of each day that is over and has none, the oldest first. From yesterday back
 * to the day that `since` lies in, or the first that was ever reported. Each date is written once, by whoever comes
 * first.
 * @param since how far the schedule had been run, milliseconds; null when a person asks
 */
export async function makeDailyReports(context: Context, since: number | null): Promise<string | null> {
  const { env, settings, clock } = context;
  const today = dateAt(clock.now(), settings.TIME_ZONE);
  const earliest = addDays(today, -MAX_DAYS);
  const results = await env.DB.batch([
    env.DB.prepare("SELECT min(date) AS date FROM daily_reports"),
    env.DB.prepare("SELECT date FROM daily_reports WHERE date >= ?1").bind(earliest),
  ]);
  const first = rowsOf<{ date: string | null }>(results, 0)[0]?.date ?? null;
  const there = new Set(rowsOf<{ date: string }>(results, 1).map(({ date }) => date));
  const begin = [
    addDays(today, -1),
    ...(first === null ? [] : [first]),
    ...(since === null ? [] : [dateAt(since, settings.TIME_ZONE)]),
  ].sort()[0];

  const made: string[] = [];
  for (let days = MAX_DAYS; days > 0; days--) {
    const date = addDays(today, -days);
    if (begin === undefined || date < begin || there.has(date)) continue;
    await make(context, date);
    made.push(date);
  }
  return made.length === 0 ? null : `made ${made.join(", ")}`;
}

async function make(context: Context, date: string): Promise<void> {
  const figures = await readFigures(context, date);
  await context.env.DB.prepare(
    "INSERT INTO daily_reports (date, figures, made_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
  )
    .bind(date, JSON.stringify(figures), Date.parse(figures.made_at))
    .run();
}
