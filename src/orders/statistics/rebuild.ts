import type { Context } from "../../platform/context.ts";
import { first, joined, run, runBatch, type Sql, sql, trusted } from "../../platform/sql.ts";
import { ORDER_STATUSES } from "../lifecycle.ts";
import { ALL_STATES, BY_STATE, IS_STATE } from "../read/list-states.ts";
import { DAY_MS } from "./buckets.ts";

export interface Rebuilt {
  days: number;
  /** The last day that was made again, to go on after, YYYY-MM-DD; null when all were. */
  next: string | null;
}

/** The end of the year 9999: a larger number, which only a hand can have written, is no time. */
const MAX_STAMP = 253_402_300_799_999;

const dateOf = (day: number): string => new Date(day).toISOString().slice(0, 10);

/**
 * Makes the figures again from the orders, their items and their refunds, as far as one request may: day by day, each
 * in a transaction of its own, so that orders go on between two. What moves meanwhile is counted once: by the triggers
 * where its day was made again, by the day where it was not. Safe to cut off, to repeat and to run twice at once; and late, in
 * another history, since each batch reads what stands there. So it need not know of which restore it is.
 * @param after a UTC day, YYYY-MM-DD, or null for all
 */
export async function rebuildFigures(
  context: Context,
  after: string | null,
  limits: { days: number; patience: number } = { days: 100, patience: 20_000 },
): Promise<Rebuilt> {
  const { env, clock } = context;
  const began = clock.now();
  // If a hand has deleted this row, it is made again: the figures are then made to fit it.
  await run(env.DB, sql`INSERT INTO figures_added_up (id, until) VALUES (1, 0) ON CONFLICT DO NOTHING`);
  let start = after === null ? 0 : Date.parse(after) + DAY_MS;
  for (let days = 0; ; days++) {
    if (days > 0 && (days >= limits.days || clock.now() - began > limits.patience)) {
      return { days, next: dateOf(start - DAY_MS) };
    }
    const day = await nextDay(env.DB, start);
    if (day === null) {
      await runBatch(env.DB, ALL_OF_PRODUCTS);
      return { days, next: null };
    }
    await runBatch(env.DB, dayOfFigures(day));
    start = day + DAY_MS;
  }
}

/** The next day that has anything to count, or figures that may be of nothing. Each by the start of an index. */
async function nextDay(db: D1Database, start: number): Promise<number | null> {
  const range = (column: string) => sql`${trusted(column)} BETWEEN ${start} AND ${MAX_STAMP}`;
  const least = (column: string, from: string, where = "true") =>
    sql`(SELECT min(${trusted(column)}) FROM ${trusted(from)} WHERE ${trusted(where)} AND ${range(column)})`;
  const firsts = [
    sql`(SELECT min(at) FROM (
      SELECT (SELECT min(o.created_at) FROM ${BY_STATE} WHERE ${IS_STATE} AND ${range("o.created_at")}) AS at FROM ${ALL_STATES} AS state))`,
    least("sold_at", "orders", SOLD_LATER),
    least("dropped_at", "orders"),
    least("created_at", "refunds"),
    least("updated_at", "refunds", "state = 'failed'"),
    least("start", "order_figures", "span = 'quarter'"),
    least("start", "order_figures", "span = 'day'"),
    least("start", "product_figures", "span = 'day'"),
  ];
  // D1 takes at most five selects in a union.
  const row = await first(
    db,
    sql<{ at: number | null }>`SELECT min(value) AS at FROM json_each(json_array(${joined(firsts)}))`,
  );
  return row?.at == null ? null : Math.floor(row.at / DAY_MS) * DAY_MS;
}

/** In the words of its index. */
const SOLD_LATER = "sold_at IS NOT NULL AND sold_at <> created_at";
const COLUMNS = trusted(ORDER_STATUSES.join(", "));
const COUNTS = trusted(ORDER_STATUSES.map((status) => `sum(o.status = '${status}')`).join(", "));
const NONE = trusted(ORDER_STATUSES.map(() => "0").join(", "));

/** Those that were placed in the range first, with what was sold at once; then all that happened later is added. */
function dayOfFigures(day: number): Sql[] {
  const end = day + DAY_MS;
  const placed = sql`${ALL_STATES} AS state CROSS JOIN ${BY_STATE}
    ON ${IS_STATE} AND o.created_at >= ${day} AND o.created_at < ${end}`;
  const soldAtOnce = trusted("o.sold_at IS o.created_at");
  return [
    sql`DELETE FROM order_figures WHERE span IN ('quarter', 'day') AND start >= ${day} AND start < ${end}`,
    sql`DELETE FROM product_figures WHERE span = 'day' AND start >= ${day} AND start < ${end}`,
    sql`INSERT INTO order_figures (span, start, currency, ${COLUMNS}, sold, units, amount, refunded)
      SELECT s.span, o.created_at - o.created_at % s.ms, o.currency, ${COUNTS}, sum(${soldAtOnce}),
        sum(iif(${soldAtOnce}, o.total_items, 0)), sum(iif(${soldAtOnce}, o.total, 0)), 0
      FROM ${placed} CROSS JOIN figure_spans AS s WHERE ${day} < s.before GROUP BY 1, 2, 3`,
    sql`INSERT INTO order_figures (span, start, currency, ${COLUMNS}, sold, units, amount, refunded)
      SELECT s.span, c.at - c.at % s.ms, c.currency, ${NONE}, sum(c.sold), sum(c.units), sum(c.amount), sum(c.refunded)
      FROM sale_changes AS c CROSS JOIN figure_spans AS s
      WHERE c.at >= ${day} AND c.at < ${end} AND ${day} < s.before
      GROUP BY 1, 2, 3
      ON CONFLICT (span, start, currency) DO UPDATE SET sold = sold + excluded.sold, units = units + excluded.units,
        amount = amount + excluded.amount, refunded = refunded + excluded.refunded`,
    sql`INSERT INTO product_figures (span, start, product_id, units)
      SELECT 'day', ${day}, i.product_id, sum(i.quantity)
      FROM ${placed} CROSS JOIN order_items AS i ON i.order_id = o.id WHERE ${soldAtOnce} GROUP BY i.product_id`,
    sql`INSERT INTO product_figures (span, start, product_id, units)
      SELECT 'day', ${day}, c.product_id, sum(c.units) FROM product_changes AS c
      WHERE c.at >= ${day} AND c.at < ${end} GROUP BY c.product_id
      ON CONFLICT (span, start, product_id) DO UPDATE SET units = units + excluded.units`,
  ];
}

/** Sums up the days of each product, which are all right by now. */
const ALL_OF_PRODUCTS = [
  sql`DELETE FROM product_figures WHERE span = 'all'`,
  sql`INSERT INTO product_figures (span, start, product_id, units)
    SELECT 'all', 0, product_id, sum(units) FROM product_figures
    WHERE span = 'day' AND start < (SELECT until FROM figures_added_up) GROUP BY product_id`,
];
