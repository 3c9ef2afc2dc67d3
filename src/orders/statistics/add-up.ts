import type { Context } from "../../platform/context.ts";
import { first, runBatch, type Sql, sql, trusted } from "../../platform/sql.ts";
import { ORDER_STATUSES } from "../lifecycle.ts";
import { DAY_MS } from "./buckets.ts";

/** Days that one run adds up: after a long outage the next run goes on. */
const MAX_DAYS = 50;

/**
 * Adds up the figures of the UTC days that are over, each in a transaction of its own: so that a sale writes only its
 * quarter of an hour, and neither its day nor the sum of all days. Whatever changes an order of a day that is added up
 * changes its day too, by the triggers. Safe to cut off, to repeat, to run twice at once, and never to run: until then
 * long ranges are read from more rows.
 * @returns how many days
 */
export async function addUpDays(context: Context): Promise<number> {
  const { DB } = context.env;
  const now = context.clock.now();
  const today = now - (now % DAY_MS);
  for (let days = 0; days < MAX_DAYS; days++) {
    const until = await nextUntil(DB, today);
    if (until === null) return days;
    await runBatch(DB, addUp(until));
  }
  return MAX_DAYS;
}

/** The end of the next day that has figures and is over, or today's start where there is none; null when all are done. */
async function nextUntil(db: D1Database, today: number): Promise<number | null> {
  const row = await first(
    db,
    sql<{ until: number; first: number }>`
      SELECT until, min(
        coalesce((SELECT min(start) FROM order_figures WHERE span = 'quarter' AND start >= until), ${today}),
        coalesce((SELECT min(start) FROM product_figures WHERE span = 'day' AND start >= until), ${today})) AS first
      FROM figures_added_up`,
  );
  if (!row || row.until >= today) return null;
  return Math.min(row.first - (row.first % DAY_MS) + DAY_MS, today);
}

/** The day of a bucket. */
const ITS_DAY = trusted(`start - start % ${DAY_MS}`);
const FIGURES = [...ORDER_STATUSES, "sold", "units", "amount", "refunded"];
const COLUMNS = trusted(FIGURES.join(", "));
const SUMS = trusted(FIGURES.map((figure) => `sum(${figure})`).join(", "));

function addUp(until: number): Sql[] {
  // The buckets before then that are not added up yet: none, where another worker was quicker.
  const due = sql`start >= (SELECT until FROM figures_added_up) AND start < ${until}`;
  return [
    sql`INSERT INTO order_figures (span, start, currency, ${COLUMNS})
      SELECT 'day', ${ITS_DAY}, currency, ${SUMS}
      FROM order_figures WHERE span = 'quarter' AND ${due} GROUP BY 2, 3`,
    sql`INSERT INTO product_figures (span, start, product_id, units)
      SELECT 'all', 0, product_id, sum(units) FROM product_figures WHERE span = 'day' AND ${due} GROUP BY product_id
      ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units`,
    sql`UPDATE figures_added_up SET until = ${until} WHERE until < ${until}`,
  ];
}
