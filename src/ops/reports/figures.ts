import type { OrderStatus } from "../../orders/lifecycle.ts";
import { isoStamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { formatMoney } from "../../platform/money.ts";
import { type Day, dayOf } from "./day.ts";
import type { DailyReportWire } from "./schemas.ts";

/**
 * What counts as sold: paid, or in no need of payment before it is sent, and not cancelled since. A return is a later
 * day's affair.
 */
const SOLD = "o.status IN ('confirmed', 'processing', 'shipped', 'delivered', 'returned')";

const HOUR_MS = 3_600_000;

/** A day's figures as D1 has them now, in one round trip: its orders by when they were placed. @param date YYYY-MM-DD */
export async function readFigures(context: Context, date: string): Promise<DailyReportWire> {
  const { env, settings, clock } = context;
  const now = clock.now();
  const day = dayOf(date, settings.TIME_ZONE);
  const results = await env.DB.batch([
    ordersByStatus(env.DB, day),
    sales(env.DB, day),
    customers(env.DB, day),
    inventoryByStore(env.DB),
  ]);
  const statuses = rowsOf<{ status: OrderStatus; orders: number }>(results, 0);
  const sold = rowsOf<{ currency: string; amount: number; units: number }>(results, 1);
  const buyers = rowsOf<{ customers: number; repeated: number }>(results, 2)[0];
  const total = statuses.reduce((sum, { orders }) => sum + orders, 0);
  const countOf = (...names: OrderStatus[]) =>
    statuses.reduce((sum, { status, orders }) => sum + (names.includes(status) ? orders : 0), 0);
  const hours = (Math.min(Math.max(now, day.start), day.end) - day.start) / HOUR_MS;
  return {
    date,
    time_zone: settings.TIME_ZONE,
    from: isoStamp(day.start),
    to: isoStamp(day.end),
    made_at: isoStamp(now),
    orders: {
      total,
      by_status: Object.fromEntries(statuses.map(({ status, orders }) => [status, orders])),
      per_hour: hours === 0 ? 0 : rounded(total / hours, 2),
    },
    revenue: sold.map(({ currency, amount }) => formatMoney({ amount, currency })),
    units_sold: sold.reduce((sum, { units }) => sum + units, 0),
    completion_rate: total === 0 ? null : rounded(countOf("delivered", "returned") / total, 4),
    error_rate: total === 0 ? null : rounded(countOf("rejected") / total, 4),
    customers: buyers?.customers ?? 0,
    repeat_customers: buyers?.repeated ?? 0,
    inventory: rowsOf<DailyReportWire["inventory"][number]>(results, 3),
  };
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

const ordersByStatus = (db: D1Database, day: Day): D1PreparedStatement =>
  db
    .prepare(
      `SELECT o.status, count(*) AS orders FROM orders AS o INDEXED BY orders_created_at
       WHERE o.created_at >= ?1 AND o.created_at < ?2 GROUP BY o.status`,
    )
    .bind(day.start, day.end);

const sales = (db: D1Database, day: Day): D1PreparedStatement =>
  db
    .prepare(
      `SELECT o.currency, sum(o.total) AS amount, sum(o.total_items) AS units
       FROM orders AS o INDEXED BY orders_created_at
       WHERE o.created_at >= ?1 AND o.created_at < ?2 AND ${SOLD} GROUP BY o.currency ORDER BY o.currency`,
    )
    .bind(day.start, day.end);

/** Who bought, and who of them had bought before, on an earlier day or on this one. */
const customers = (db: D1Database, day: Day): D1PreparedStatement =>
  db
    .prepare(
      `SELECT count(*) AS customers, coalesce(sum(sales > 1 OR EXISTS (
           SELECT 1 FROM orders AS o WHERE o.customer_email = buyer.email AND o.created_at < ?1 AND ${SOLD})), 0)
         AS repeated
       FROM (SELECT o.customer_email AS email, count(*) AS sales FROM orders AS o INDEXED BY orders_created_at
             WHERE o.created_at >= ?1 AND o.created_at < ?2 AND ${SOLD} GROUP BY o.customer_email) AS buyer`,
    )
    .bind(day.start, day.end);

const inventoryByStore = (db: D1Database): D1PreparedStatement =>
  db.prepare(
    `SELECT stores.id AS store_id, stores.name AS store_name, coalesce(stock.products, 0) AS products,
       coalesce(stock.units, 0) AS units, coalesce(stock.available, 0) AS available,
       coalesce(stock.low_stock, 0) AS low_stock, coalesce(stock.out_of_stock, 0) AS out_of_stock
     FROM stores LEFT JOIN store_stock AS stock ON stock.store_id = stores.id
     ORDER BY stores.priority, stores.id`,
  );
