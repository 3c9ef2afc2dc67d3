import { jsonParameter } from "../../platform/d1.ts";
import { ORDER_STATUSES, type OrderStatus } from "../lifecycle.ts";
import { DAY_MS, type Part } from "./buckets.ts";

/** Orders by how they stand now. */
export type StatusCounts = Record<OrderStatus, number>;

/** What was sold in one currency, less what was cancelled or closed: negative where more was. */
export interface Sales {
  currency: string;
  orders: number;
  units: number;
  /** Minor units of `currency`, as is the next. */
  amount: number;
  refunded: number;
}

const IN_PARTS = (table: string) =>
  `json_each(?1) AS part CROSS JOIN figures_added_up AS days CROSS JOIN ${table} AS f
     ON f.span = part.value ->> 'span'
     AND f.start >= iif(part.value ->> 'only' = 'since', max(part.value ->> 'from', days.until), part.value ->> 'from')
     AND f.start < iif(part.value ->> 'only' = 'added_up', min(part.value ->> 'to', days.until), part.value ->> 'to')`;

/** One row, `StatusCounts`: the orders that were placed then. */
export const countOrders = (db: D1Database, parts: Part[]): D1PreparedStatement =>
  db
    .prepare(
      `SELECT ${ORDER_STATUSES.map((status) => `coalesce(sum(f.${status}), 0) AS ${status}`).join(", ")}
       FROM ${IN_PARTS("order_figures")}`,
    )
    .bind(jsonParameter(parts));

/** `Sales` by currency: what became sold then, was cancelled or closed then, and was promised back then. */
export const sumSales = (db: D1Database, parts: Part[]): D1PreparedStatement =>
  db
    .prepare(
      `SELECT f.currency, sum(f.orders) AS orders, sum(f.units) AS units, sum(f.amount) AS amount,
         sum(f.refunded) AS refunded
       FROM ${IN_PARTS("sale_figures")} GROUP BY f.currency ORDER BY f.currency`,
    )
    .bind(jsonParameter(parts));

export interface TopProduct {
  product_id: string;
  title: string;
  units: number;
}

export const TOP = 10;

/**
 * The products that sold most of all: of those that sold since the days were added up, and of the others the first.
 * Reads what sold since then, product by product, and of all others ten.
 */
export const topEver = (db: D1Database): D1PreparedStatement =>
  db.prepare(
    `WITH since AS MATERIALIZED (
       SELECT product_id, sum(units) AS units FROM product_figures
       WHERE span = 'day' AND start >= (SELECT until FROM figures_added_up) GROUP BY product_id),
     sold AS (
       SELECT product_id, units + coalesce((SELECT before.units FROM product_figures AS before
         WHERE before.span = 'all' AND before.start = 0 AND before.product_id = since.product_id), 0) AS units
       FROM since
       UNION ALL
       SELECT product_id, units FROM (
         SELECT product_id, units FROM product_figures INDEXED BY product_figures_top
         WHERE span = 'all' AND units > 0 AND product_id NOT IN (SELECT product_id FROM since)
         ORDER BY units DESC, product_id DESC LIMIT ${TOP}))
     SELECT f.product_id, p.title, f.units FROM (
       SELECT product_id, units FROM sold WHERE units > 0 ORDER BY units DESC, product_id DESC LIMIT ${TOP}) AS f
     CROSS JOIN products AS p ON p.id = f.product_id ORDER BY f.units DESC, f.product_id DESC`,
  );

/** Those of the UTC days that the range touches. Reads what was sold on these days, product by product. */
export const topBetween = (db: D1Database, from: number, to: number): D1PreparedStatement =>
  db
    .prepare(
      `SELECT f.product_id, p.title, f.units FROM (
         SELECT product_id, sum(units) AS units FROM product_figures
         WHERE span = 'day' AND start >= ?1 AND start < ?2
         GROUP BY product_id HAVING sum(units) > 0 ORDER BY 2 DESC, 1 DESC LIMIT ${TOP}) AS f
       CROSS JOIN products AS p ON p.id = f.product_id ORDER BY f.units DESC, f.product_id DESC`,
    )
    .bind(Math.floor(from / DAY_MS) * DAY_MS, to);

export const totalOf = (counts: StatusCounts): number =>
  Object.values(counts).reduce((sum, orders) => sum + orders, 0);

/** Delivered or returned, of all orders; null when there are none. */
export const completionRate = (counts: StatusCounts): number | null =>
  share(counts.delivered + counts.returned, totalOf(counts));

/** Rejected for want of stock, of all orders; null when there are none. */
export const errorRate = (counts: StatusCounts): number | null => share(counts.rejected, totalOf(counts));

/** To four digits; null of none. */
export const share = (part: number, whole: number): number | null =>
  whole === 0 ? null : Number((part / whole).toFixed(4));
