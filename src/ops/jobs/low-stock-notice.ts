import { oweWork } from "../../events/append.ts";
import { ring } from "../../events/work.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { dateAt } from "../reports/day.ts";

/** A letter names so many of them, the scarcest first. */
const MAX_LINES = 200;

interface LowRow {
  sku: string;
  title: string;
  low_stock_threshold: number;
  available: number;
  /** Of all that are low, these lines or not. */
  found: number;
}

/**
 * Job `low-stock-notice`: one mail to `ADMIN_EMAIL` with the products of which, over all stores, no more is available
 * than their threshold. The work owed is named by the day in `TIME_ZONE`, so a day has one however often this runs.
 */
export async function sendLowStockNotice(context: Context): Promise<string | null> {
  const { env, settings, clock } = context;
  const low = await findLow(env.DB);
  const found = low[0]?.found ?? 0;
  if (found === 0) return null;
  const products = found === 1 ? "1 product is" : `${found} products are`;
  if (settings.ADMIN_EMAIL === undefined)
    return `${products} low; ADMIN_EMAIL is not set, so nobody was told`;

  const now = clock.now();
  const id = prefixed("wrk", `low-stock-${dateAt(now, settings.TIME_ZONE)}`);
  const lines = low.map(
    ({ sku, title, available, low_stock_threshold }) =>
      `${title} (${sku}): ${available} available, threshold ${low_stock_threshold}`,
  );
  if (found > lines.length) lines.push(`and ${found - lines.length} more`);
  const notice = {
    id,
    task: "email" as const,
    object_id: "inventory",
    payload: { template: "notice", subject: `${products} low on stock`, lines },
    at: now,
    not_before: now,
    request_id: context.requestId,
  };
  const unwritten = {
    sql: "NOT EXISTS (SELECT 1 FROM work WHERE work.id = row.value ->> 'id')",
    parameters: [],
  };
  const { meta } = await oweWork(env.DB, [notice], unwritten).run();
  if (meta.changes === 0) return `${products} low; the day's notice was owed before`;
  context.defer(ring(context, [{ id, task: "email" }]));
  return `${products} low; a notice is owed`;
}

async function findLow(db: D1Database): Promise<LowRow[]> {
  const { results } = await db
    .prepare(
      `SELECT sku, title, low_stock_threshold, available, count(*) OVER () AS found FROM (
         SELECT p.id, p.sku, p.title, p.low_stock_threshold, sum(l.available) AS available
         FROM products AS p JOIN stock_levels AS l ON l.product_id = p.id
         WHERE p.active = 1 GROUP BY p.id HAVING sum(l.available) <= p.low_stock_threshold)
       ORDER BY available, id LIMIT ${MAX_LINES}`,
    )
    .all<LowRow>();
  return results;
}
