import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import type { Range } from "../../platform/http/range.ts";
import { formatMoney } from "../../platform/money.ts";
import { batch } from "../../platform/sql.ts";
import { countDelayed } from "../delayed/list.ts";
import { DAY_MS, partsOf, quarterAfter, quarterBefore } from "./buckets.ts";
import {
  completionRate,
  countOrders,
  errorRate,
  type Sales,
  type StatusCounts,
  sumSales,
  TOP_EVER,
  topBetween,
  totalOf,
} from "./figures.ts";
import type { StatisticsWire } from "./schemas.ts";

/** What a day sold is a row for each product: longer ranges would read too many. */
const MAX_TOP_MS = 366 * DAY_MS;

export type StatisticsOutcome = { kind: "statistics"; statistics: StatisticsWire } | { kind: "backwards" };

/** What the orders of a range come to, in one round trip that reads figures and no orders. */
export async function readStatistics(context: Context, query: Range): Promise<StatisticsOutcome> {
  const { DB } = context.env;
  const now = context.clock.now();
  const from = query.from === undefined ? null : quarterBefore(query.from);
  const to = quarterAfter(query.to ?? now + 1);
  if (from !== null && from > to) return { kind: "backwards" };

  const parts = partsOf(from ?? 0, to);
  const top =
    from === null && query.to === undefined
      ? TOP_EVER
      : to - (from ?? 0) <= MAX_TOP_MS
        ? topBetween(from ?? 0, to)
        : undefined;
  const found = await batch(DB, {
    counts: countOrders(parts),
    sales: sumSales(parts),
    lastDay: countOrders(partsOf(quarterBefore(now - DAY_MS), quarterAfter(now + 1))),
    delayed: countDelayed(context),
    top,
  });
  const { sales } = found;
  const counts = countsOf(found.counts);
  return {
    kind: "statistics",
    statistics: {
      from: from === null ? null : isoTimestamp(from),
      to: isoTimestamp(to),
      total: totalOf(counts),
      by_status: counts,
      last_24h: totalOf(countsOf(found.lastDay)),
      revenue: revenueOf(sales),
      refunded: refundedOf(sales),
      units_sold: sales.reduce((sum, { units }) => sum + units, 0),
      completion_rate: completionRate(counts),
      error_rate: errorRate(counts),
      delayed: found.delayed[0]?.delayed ?? 0,
      top_products: top ? found.top : null,
    },
  };
}

function countsOf([counts]: StatusCounts[]): StatusCounts {
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
