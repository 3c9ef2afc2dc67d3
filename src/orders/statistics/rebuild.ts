import type { Context } from "../../platform/context.ts";
import { ORDER_STATUSES } from "../lifecycle.ts";
import { DAY_MS } from "./buckets.ts";

export interface Rebuilt {
  days: number;
  /** The last day that was made again, to go on after, YYYY-MM-DD; null when all were. */
  next: string | null;
}

/** The end of the year 9999: what a hand wrote beyond it is no moment. */
const MAX_STAMP = 253_402_300_799_999;

const dateOf = (day: number): string => new Date(day).toISOString().slice(0, 10);

/**
 * Makes the figures again from the orders, their items and their refunds, as far as one request may: day by day, each
 * in a transaction of its own, so that orders go on between two. What moves meanwhile is counted once: by the triggers
 * where its day was made again, by the day where it was not. Safe to cut off, to repeat and to run twice at once.
 * @param after a UTC day, YYYY-MM-DD, or null for all
 */
export async function rebuildFigures(
  context: Context,
  after: string | null,
  limits: { days: number; patience: number } = { days: 100, patience: 20_000 },
): Promise<Rebuilt> {
  const { env, clock } = context;
  const began = clock.now();
  // Whatever a hand did to it, the figures are made to fit.
  await env.DB.prepare("INSERT INTO figures_added_up (id, until) VALUES (1, 0) ON CONFLICT DO NOTHING").run();
  let start = after === null ? 0 : Date.parse(after) + DAY_MS;
  for (let days = 0; ; days++) {
    if (days > 0 && (days >= limits.days || clock.now() - began > limits.patience)) {
      return { days, next: dateOf(start - DAY_MS) };
    }
    const day = await nextDay(env.DB, start);
    if (day === null) {
      await env.DB.batch(allOfProducts(env.DB));
      return { days, next: null };
    }
    await env.DB.batch(dayOfFigures(env.DB, day));
    start = day + DAY_MS;
  }
}

/** The next day that has anything to count, or figures that may be of nothing. Each by the start of an index. */
async function nextDay(db: D1Database, start: number): Promise<number | null> {
  const first = (column: string, from: string, where = "true") =>
    `(SELECT min(${column}) FROM ${from} WHERE ${where} AND ${column} BETWEEN ?1 AND ?2)`;
  const firsts = [
    first("created_at", "orders"),
    first("sold_at", "orders"),
    first("dropped_at", "orders"),
    first("created_at", "refunds"),
    first("updated_at", "refunds", "state = 'failed'"),
    first("start", "order_figures", "span = 'quarter'"),
    first("start", "order_figures", "span = 'day'"),
    first("start", "sale_figures", "span = 'quarter'"),
    first("start", "sale_figures", "span = 'day'"),
    first("start", "product_figures", "span = 'day'"),
  ];
  // D1 takes at most five selects in a union.
  const row = await db
    .prepare(`SELECT min(value) AS at FROM json_each(json_array(${firsts.join(", ")}))`)
    .bind(start, MAX_STAMP)
    .first<{ at: number | null }>();
  return row?.at == null ? null : Math.floor(row.at / DAY_MS) * DAY_MS;
}

function dayOfFigures(db: D1Database, day: number): D1PreparedStatement[] {
  return [
    "DELETE FROM order_figures WHERE span IN ('quarter', 'day') AND start >= ?1 AND start < ?2",
    "DELETE FROM sale_figures WHERE span IN ('quarter', 'day') AND start >= ?1 AND start < ?2",
    "DELETE FROM product_figures WHERE span = 'day' AND start >= ?1 AND start < ?2",
    `INSERT INTO order_figures (span, start, ${ORDER_STATUSES.join(", ")})
     SELECT s.span, o.created_at - o.created_at % s.ms,
       ${ORDER_STATUSES.map((status) => `sum(o.status = '${status}')`).join(", ")}
     FROM orders AS o CROSS JOIN figure_spans AS s
     WHERE o.created_at >= ?1 AND o.created_at < ?2 AND ?1 < s.before GROUP BY 1, 2`,
    `INSERT INTO sale_figures (span, start, currency, orders, units, amount, refunded)
     SELECT s.span, c.at - c.at % s.ms, c.currency, sum(c.orders), sum(c.units), sum(c.amount), sum(c.refunded)
     FROM sale_changes AS c CROSS JOIN figure_spans AS s WHERE c.at >= ?1 AND c.at < ?2 AND ?1 < s.before
     GROUP BY 1, 2, 3`,
    `INSERT INTO product_figures (span, start, product_id, units)
     SELECT 'day', ?1, c.product_id, sum(c.units) FROM product_changes AS c
     WHERE c.at >= ?1 AND c.at < ?2 GROUP BY c.product_id`,
  ].map((sql) => db.prepare(sql).bind(day, day + DAY_MS));
}

/** From the days that are added up, all of which are right by now. */
const allOfProducts = (db: D1Database): D1PreparedStatement[] =>
  [
    "DELETE FROM product_figures WHERE span = 'all'",
    `INSERT INTO product_figures (span, start, product_id, units)
     SELECT 'all', 0, product_id, sum(units) FROM product_figures
     WHERE span = 'day' AND start < (SELECT until FROM figures_added_up) GROUP BY product_id`,
  ].map((sql) => db.prepare(sql));
