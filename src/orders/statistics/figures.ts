import { constant, each, type Sql, sql, trusted } from "../../platform/sql.ts";
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

/** The rows of a table of figures `f` that lie in these parts. */
const inParts = (parts: Part[], table: Sql): Sql => sql`
  ${each(parts)} AS part CROSS JOIN figures_added_up AS days CROSS JOIN ${table} AS f
    ON f.span = part.value ->> 'span'
    AND f.start >= iif(part.value ->> 'only' = 'since', max(part.value ->> 'from', days.until), part.value ->> 'from')
    AND f.start < iif(part.value ->> 'only' = 'added_up', min(part.value ->> 'to', days.until), part.value ->> 'to')`;

const COUNTS = trusted(
  ORDER_STATUSES.map((status) => `coalesce(sum(f.${status}), 0) AS ${status}`).join(", "),
);

/** One row: the orders that were placed then. */
export const countOrders = (parts: Part[]): Sql<StatusCounts> => sql`
  SELECT ${COUNTS} FROM ${inParts(parts, sql`order_figures`)}`;

/**
 * By currency: what became sold then, was cancelled or closed then, and was promised back then. A currency in which nothing
 * was sold is left out; one in which all of it was cancelled at once is there, with zeros.
 */
export const sumSales = (parts: Part[]): Sql<Sales> => sql`
  SELECT f.currency, sum(f.sold) AS orders, sum(f.units) AS units, sum(f.amount) AS amount,
    sum(f.refunded) AS refunded
  FROM ${inParts(parts, sql`order_figures`)} GROUP BY f.currency
  HAVING max(f.sold <> 0 OR f.units <> 0 OR f.amount <> 0 OR f.refunded <> 0 OR f.cancelled <> 0) ORDER BY f.currency`;

export interface TopProduct {
  product_id: string;
  title: string;
  units: number;
}

export const TOP = 10;

/**
 * The products that sold most of all time. The days that are over are added up already, in an index by units: of these
 * it reads the first ten. Of the days since, it reads each product that sold.
 */
export const TOP_EVER = sql<TopProduct>`
  WITH since AS MATERIALIZED (
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
      ORDER BY units DESC, product_id DESC LIMIT ${constant(TOP)}))
  SELECT f.product_id, p.title, f.units FROM (
    SELECT product_id, units FROM sold WHERE units > 0 ORDER BY units DESC, product_id DESC LIMIT ${constant(TOP)}) AS f
  CROSS JOIN products AS p ON p.id = f.product_id ORDER BY f.units DESC, f.product_id DESC`;

/** The products that sold most on the UTC days that the range touches. Reads each product that sold on these days. */
export const topBetween = (from: number, to: number): Sql<TopProduct> => sql`
  SELECT f.product_id, p.title, f.units FROM (
    SELECT product_id, sum(units) AS units FROM product_figures
    WHERE span = 'day' AND start >= ${Math.floor(from / DAY_MS) * DAY_MS} AND start < ${to}
    GROUP BY product_id HAVING sum(units) > 0 ORDER BY 2 DESC, 1 DESC LIMIT ${constant(TOP)}) AS f
  CROSS JOIN products AS p ON p.id = f.product_id ORDER BY f.units DESC, f.product_id DESC`;

export const totalOf = (counts: StatusCounts): number =>
  Object.values(counts).reduce((sum, orders) => sum + orders, 0);

/** Delivered or returned, of all orders; null when there are none. */
export const completionRate = (counts: StatusCounts): number | null =>
  share(counts.delivered + counts.returned, totalOf(counts));

/** Rejected for want of stock, of all orders; null when there are none. */
export const errorRate = (counts: StatusCounts): number | null => share(counts.rejected, totalOf(counts));

/** A share, rounded to four digits; null when the whole is 0. */
export const share = (part: number, whole: number): number | null =>
  whole === 0 ? null : Number((part / whole).toFixed(4));
