import { isoStamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { formatMoney } from "../../platform/money.ts";
import { countDelayed } from "../delayed/list.ts";
import { DAY_MS, partsOf, quarterAfter, quarterBefore } from "./buckets.ts";
import {
  completionRate,
  countOrders,
  errorRate,
  type Sales,
  type StatusCounts,
  sumSales,
  type TopProduct,
  topBetween,
  topEver,
  totalOf,
} from "./figures.ts";
import type { StatisticsQuery, StatisticsWire } from "./schemas.ts";

/** What a day sold is a row for each product: longer ranges would read too many. */
const MAX_TOP_MS = 366 * DAY_MS;

export type StatisticsOutcome = { kind: "statistics"; statistics: StatisticsWire } | { kind: "backwards" };

/** What the orders of a range come to, in one round trip that reads figures and no orders. */
export async function readStatistics(context: Context, query: StatisticsQuery): Promise<StatisticsOutcome> {
  const { DB } = context.env;
  const now = context.clock.now();
  const from = query.from === undefined ? null : quarterBefore(query.from);
  const to = quarterAfter(query.to ?? now + 1);
  if (from !== null && from > to) return { kind: "backwards" };

  const parts = partsOf(from ?? 0, to);
  const top =
    from === null && query.to === undefined
      ? topEver(DB)
      : to - (from ?? 0) <= MAX_TOP_MS
        ? topBetween(DB, from ?? 0, to)
        : null;
  const results = await DB.batch([
    countOrders(DB, parts),
    sumSales(DB, parts),
    countOrders(DB, partsOf(quarterBefore(now - DAY_MS), quarterAfter(now + 1))),
    countDelayed(context),
    ...(top ? [top] : []),
  ]);
  const counts = countsOf(results, 0);
  const sales = rowsOf<Sales>(results, 1);
  return {
    kind: "statistics",
    statistics: {
      from: from === null ? null : isoStamp(from),
      to: isoStamp(to),
      total: totalOf(counts),
      by_status: counts,
      last_24h: totalOf(countsOf(results, 2)),
      revenue: revenueOf(sales),
      refunded: refundedOf(sales),
      units_sold: sales.reduce((sum, { units }) => sum + units, 0),
      completion_rate: completionRate(counts),
      error_rate: errorRate(counts),
      delayed: rowsOf<{ delayed: number }>(results, 3)[0]?.delayed ?? 0,
      top_products: top ? rowsOf<TopProduct>(results, 4) : null,
    },
  };
}

function countsOf(results: D1Result[], index: number): StatusCounts {
  const [counts] = rowsOf<StatusCounts>(results, index);
  if (!counts) throw new Error("a sum has no row");
  return counts;
}

/** In the currencies that anything was sold in, or taken off. */
export const revenueOf = (sales: Sales[]): { amount: string; currency: string }[] =>
  sales
    .filter(({ amount, units }) => amount !== 0 || units !== 0)
    .map(({ amount, currency }) => formatMoney({ amount, currency }));

export const refundedOf = (sales: Sales[]): { amount: string; currency: string }[] =>
  sales
    .filter(({ refunded }) => refunded !== 0)
    .map(({ refunded, currency }) => formatMoney({ amount: refunded, currency }));
