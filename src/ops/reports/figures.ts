import type { OrderStatus } from "../../orders/lifecycle.ts";
import { ALL_STATES, BY_STATE, IS_STATE } from "../../orders/read/list-states.ts";
import { partsOf, quarterBefore } from "../../orders/statistics/buckets.ts";
import {
  completionRate,
  countOrders,
  errorRate,
  share,
  sumSales,
  totalOf,
} from "../../orders/statistics/figures.ts";
import { refundedOf, revenueOf } from "../../orders/statistics/read.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { type Day, dayOf } from "../../platform/day.ts";
import { batch, type Sql, sql } from "../../platform/sql.ts";
import type { DailyReportWire } from "./schemas.ts";

const HOUR_MS = 3_600_000;
/** A report that is made later than this after its day has no inventory, since today's is not that day's. */
const STOCK_IS_STALE_MS = 24 * HOUR_MS;

/**
 * A day's figures as D1 has them now, in one round trip. It reads the figures that triggers keep, and of the orders only
 * who bought that day.
 * @param date YYYY-MM-DD
 * @param now by the real clock, milliseconds; a job's clock may be set to another time
 */
export async function readFigures(context: Context, date: string, now: number): Promise<DailyReportWire> {
  const { env, settings } = context;
  const day = dayOf(date, settings.TIME_ZONE);
  // Every midnight of a time zone is at a quarter of an hour in UTC, except long before there was any shop.
  const parts = partsOf(quarterBefore(day.start), quarterBefore(day.end));
  const stockIsOfThen = now < day.end + STOCK_IS_STALE_MS;
  const { orders, sales, bought, stores } = await batch(env.DB, {
    orders: countOrders(parts),
    sales: sumSales(parts),
    bought: customers(day),
    stores: stockIsOfThen ? INVENTORY_BY_STORE : undefined,
  });
  const [counts] = orders;
  const [buyers] = bought;
  if (!counts || !buyers) throw new Error("a sum has no row");
  const total = totalOf(counts);
  const units = sales.reduce((sum, sold) => sum + sold.units, 0);
  const inventory = stockIsOfThen ? stores : null;
  const hours = (Math.min(Math.max(now, day.start), day.end) - day.start) / HOUR_MS;
  return {
    date,
    time_zone: settings.TIME_ZONE,
    from: isoTimestamp(day.start),
    to: isoTimestamp(day.end),
    made_at: isoTimestamp(now),
    orders: {
      total,
      by_status: Object.fromEntries(Object.entries(counts).filter(([, orders]) => orders !== 0)) as Partial<
        Record<OrderStatus, number>
      >,
      per_hour: hours === 0 ? 0 : Number((total / hours).toFixed(2)),
    },
    revenue: revenueOf(sales),
    refunded: refundedOf(sales),
    units_sold: units,
    turnover:
      inventory &&
      share(
        units,
        inventory.reduce((sum, store) => sum + store.units, 0),
      ),
    completion_rate: completionRate(counts),
    error_rate: errorRate(counts),
    customers: buyers.customers,
    repeat_customers: buyers.repeated,
    inventory,
    inventory_as_of: inventory && isoTimestamp(now),
  };
}

type StoreFigures = NonNullable<DailyReportWire["inventory"]>[number];

/**
 * Counts who bought, and who of them had bought before, on an earlier day or on this one. Orders that were cancelled since
 * count too. Who bought as they ordered is found by when they ordered. For each buyer it reads orders only up to the first
 * that was sold before. The condition on `created_at` lets the index stop, since an order is placed before it is sold.
 */
const customers = ({ start, end }: Day): Sql<{ customers: number; repeated: number }> => sql`
  SELECT count(*) AS customers, coalesce(sum(sales > 1 OR EXISTS (
      SELECT 1 FROM orders AS o INDEXED BY orders_email
      WHERE o.customer_email = buyer.email AND o.created_at < ${start} AND o.sold_at < ${start})), 0) AS repeated
  FROM (SELECT email, count(*) AS sales FROM (
      SELECT o.customer_email AS email FROM ${ALL_STATES} AS state CROSS JOIN ${BY_STATE}
      WHERE ${IS_STATE} AND o.created_at >= ${start} AND o.created_at < ${end} AND o.sold_at = o.created_at
      UNION ALL
      SELECT o.customer_email FROM orders AS o INDEXED BY orders_sold_later
      WHERE o.sold_at IS NOT NULL AND o.sold_at <> o.created_at AND o.sold_at >= ${start} AND o.sold_at < ${end})
    GROUP BY email) AS buyer`;

const INVENTORY_BY_STORE = sql<StoreFigures>`
  SELECT stores.id AS store_id, stores.name AS store_name, coalesce(stock.products, 0) AS products,
    coalesce(stock.units, 0) AS units, coalesce(stock.available, 0) AS available,
    coalesce(stock.low_stock, 0) AS low_stock, coalesce(stock.out_of_stock, 0) AS out_of_stock
  FROM stores LEFT JOIN store_stock AS stock ON stock.store_id = stores.id
  ORDER BY stores.priority, stores.id`;
