import type { Context } from "../../platform/context.ts";
import { first, sql } from "../../platform/sql.ts";
import { dateAt } from "./day.ts";
import { readFigures } from "./figures.ts";
import type { DailyReportWire } from "./schemas.ts";

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
