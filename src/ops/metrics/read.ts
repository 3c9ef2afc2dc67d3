import { SWEEP_MS } from "../../events/wake-up.ts";
import { countDelayed } from "../../orders/delayed/list.ts";
import type { OrderStatus } from "../../orders/lifecycle.ts";
import { partsOf, quarterAfter } from "../../orders/statistics/buckets.ts";
import {
  countOrders,
  type Sales,
  type StatusCounts,
  sumSales,
  totalOf,
} from "../../orders/statistics/figures.ts";
import type { Context } from "../../platform/context.ts";
import { DATABASE_LIMIT_BYTES } from "../../platform/d1.ts";
import { formatMoney } from "../../platform/money.ts";
import { LIMITER_UNAVAILABLE, LIMITS } from "../../platform/rate-limit/limit.ts";
import { batch, constant, databaseBytes, sql } from "../../platform/sql.ts";
import type { Metric, Sample } from "./exposition.ts";

/** Backlogs are counted up to this: beyond it the exact number says nothing more, and counting would cost too much. */
const MAX_COUNTED = 10_000;

/** Orders that buyers still wait for. */
const ACTIVE: readonly OrderStatus[] = ["pending", "confirmed", "processing", "shipped"];

/**
 * The shop's metrics as of now, in two calls at once. It reads no orders or products, only what is counted already: the
 * figures, a row for each day with sales, and backlogs, up to MAX_COUNTED.
 */
export async function readMetrics(context: Context): Promise<Metric[]> {
  const { DB } = context.env;
  const now = context.clock.now();
  const everything = partsOf(0, quarterAfter(now + 1));
  const size = databaseBytes(DB);
  const found = await batch(DB, {
    counts: countOrders(everything),
    sales: sumSales(everything),
    delayed: countDelayed(context),
    states: sql<StockState>`SELECT state, products FROM stock_states`,
    owed: OWED_BY_TASK,
    due: sql<{ due: number | null }>`
      SELECT min(not_before) AS due FROM work INDEXED BY work_due WHERE state = 'owed'`,
    dead: COUNT_DEAD,
    closed: sql`SELECT 1 FROM shop_state WHERE key = 'selling' AND value <> 'open'`,
    limiters: sql<LimiterCount>`SELECT labels, value FROM counters WHERE name = ${LIMITER_UNAVAILABLE}`,
  });
  const [counts] = found.counts;
  if (!counts) throw new Error("a sum has no row");
  return [
    ...ofOrders(counts, found.sales, found.delayed[0]?.delayed ?? 0),
    ...ofProducts(found.states),
    ...ofWork(found.owed, found.dead[0]?.dead ?? 0, found.due[0]?.due ?? null, now),
    gauge("selling", "1 while orders are taken, 0 while selling is stopped or the shop is being restored.", [
      { value: found.closed.length === 0 ? 1 : 0 },
    ]),
    ofLimiters(found.limiters),
    gauge("database_bytes", "What the database takes up.", [{ value: await size }]),
    gauge("database_limit_bytes", "The largest size of a database.", [{ value: DATABASE_LIMIT_BYTES }]),
  ];
}

interface StockState {
  state: string;
  products: number;
}

interface Owed {
  task: string;
  owed: number;
}

interface LimiterCount {
  labels: string;
  value: number;
}

const OWED_BY_TASK = sql<Owed>`
  SELECT task, count(*) AS owed FROM (
    SELECT task FROM work INDEXED BY work_due WHERE state = 'owed' ORDER BY not_before LIMIT ${constant(MAX_COUNTED)})
  GROUP BY task ORDER BY task`;

const COUNT_DEAD = sql<{ dead: number }>`
  SELECT count(*) AS dead FROM (
    SELECT 1 FROM work INDEXED BY work_dead WHERE state = 'dead' LIMIT ${constant(MAX_COUNTED)})`;

function ofOrders(counts: StatusCounts, sales: Sales[], delayed: number): Metric[] {
  const byStatus = Object.entries(counts) as [OrderStatus, number][];
  return [
    {
      name: "orders_created_total",
      type: "counter",
      help: "Orders since ever: `placed` lived, `rejected` fell short of stock.",
      samples: [
        { labels: { status: "placed" }, value: totalOf(counts) - counts.rejected },
        { labels: { status: "rejected" }, value: counts.rejected },
      ],
    },
    gauge(
      "orders",
      "Orders since ever, by how they stand now.",
      byStatus.map(([status, value]) => ({ labels: { status }, value })),
    ),
    gauge("active_orders_total", "Orders that are pending, confirmed, processing or shipped.", [
      { value: ACTIVE.reduce((sum, status) => sum + counts[status], 0) },
    ]),
    gauge("orders_delayed", "Orders too long in a step, counted up to 10000.", [{ value: delayed }]),
    gauge(
      "revenue",
      "What was sold since ever, less what was cancelled or closed; in the currency's major unit.",
      sales.map(({ currency, amount }) => inMajorUnits(currency, amount)),
    ),
    gauge(
      "refunded",
      "What was promised back since ever; in the currency's major unit.",
      sales.map(({ currency, refunded }) => inMajorUnits(currency, refunded)),
    ),
    gauge("units_sold", "Units of what `revenue` counts.", [
      { value: sales.reduce((sum, { units }) => sum + units, 0) },
    ]),
  ];
}

function ofProducts(states: StockState[]): Metric[] {
  const inState = (name: string) => states.find(({ state }) => state === name)?.products ?? 0;
  return [
    gauge(
      "products",
      "Products by how much is left of them over all stores.",
      ["healthy", "low", "out", "archived"].map((state) => ({
        labels: { state },
        value: inState(state),
      })),
    ),
    gauge("low_stock_products_total", "Products available at or below their threshold, and above 0.", [
      { value: inState("low") },
    ]),
    gauge("out_of_stock_products_total", "Products with nothing available.", [{ value: inState("out") }]),
  ];
}

/**
 * A task that nobody woke is found by the sweep of each minute: it is late only when one has passed it by.
 * @param due since when the task that waits longest is due, milliseconds; null when none is pending
 */
function ofWork(owed: Owed[], dead: number, due: number | null, now: number): Metric[] {
  return [
    gauge(
      "work_owed",
      "Tasks that are owed, by task; the 10000 that are due first.",
      owed.map((one) => ({ labels: { task: one.task }, value: one.owed })),
    ),
    gauge(
      "work_overdue_seconds",
      "How late the task that waits longest is: for how long it could have been begun, beyond the minute in which it is found.",
      [{ value: due === null ? 0 : Math.max(0, now - due - SWEEP_MS) / 1000 }],
    ),
    gauge("dead_letters", "Tasks that died and wait for a person, counted up to 10000.", [{ value: dead }]),
  ];
}

/** A limiter that never failed has a sample of 0, so that Prometheus sees its first failure as a rise. */
const ofLimiters = (counted: LimiterCount[]): Metric => ({
  name: LIMITER_UNAVAILABLE,
  type: "counter",
  help: "Requests that were let through because the limiter did not answer.",
  samples: LIMITS.map((limiter) => ({
    labels: { limiter },
    value: counted.find(({ labels }) => labels === JSON.stringify({ limiter }))?.value ?? 0,
  })),
});

const gauge = (name: string, help: string, samples: Sample[]): Metric => ({
  name,
  type: "gauge",
  help,
  samples,
});

const inMajorUnits = (currency: string, amount: number): Sample => ({
  labels: { currency },
  value: Number(formatMoney({ amount, currency }).amount),
});
