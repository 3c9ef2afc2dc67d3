import { wakeUp } from "../../events/wake-up.ts";
import { lowStockSubject } from "../../notifications/low-stock.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { batch, constant, first, type Sql, sql } from "../../platform/sql.ts";

/** Products that a notice names at most, the scarcest first. */
const MAX_PRODUCTS_NAMED = 200;

/**
 * Job `low-stock-notice`: one mail to `ADMIN_EMAIL` with the products that fell to their threshold or below, over all stores,
 * since the last notice. A product that stays there is not named again, unless it was above it in between. A product that has
 * recovered by now is named too, since orders were refused for it, or nearly so.
 *
 * One batch adds the task of the notice and marks its products as told, so each fall is told once even if two runs happen at
 * once, and a worker that dies leaves both undone or both done. The mail is composed from the products' ids when it is sent
 * (notifications/low-stock.ts). If `ADMIN_EMAIL` is not set, nothing is marked.
 */
export async function sendLowStockNotice(context: Context): Promise<string | null> {
  const { env, settings, clock, ids, requestId } = context;
  if (settings.ADMIN_EMAIL === undefined) {
    const fallen = await countUntold(env.DB);
    return fallen === 0 ? null : `${named(fallen)}; ADMIN_EMAIL is not set, so nobody was told`;
  }
  const id = prefixed("wrk", ids.next());
  const { notices } = await batch(env.DB, {
    notices: addNotice(id, clock.now(), requestId),
    recovered: sql`
      DELETE FROM low_stock WHERE told = 0 AND product_id IN (
        SELECT s.product_id FROM low_stock AS l CROSS JOIN product_stock AS s ON s.product_id = l.product_id
        WHERE l.told = 0 AND s.state <> 'low' AND s.state <> 'out')`,
    told: sql`UPDATE low_stock SET told = 1 WHERE told = 0`,
  });
  const [notice] = notices;
  if (!notice) return null;
  context.defer(wakeUp(context, [{ id, task: "email" }]));
  return `${lowStockSubject(notice.products)}; a notice is owed`;
}

const named = (count: number): string => (count === 1 ? "1 product is low" : `${count} products are low`);

async function countUntold(db: D1Database): Promise<number> {
  const count = await first(
    db,
    sql<{ untold: number }>`SELECT count(*) AS untold FROM low_stock WHERE told = 0`,
  );
  return count?.untold ?? 0;
}

/** Adds the task of a notice if anything fell. It names what is still low before what has recovered, the scarcest first. */
const addNotice = (id: string, at: number, requestId: string): Sql<{ products: number }> => sql`
  WITH fallen AS (
    SELECT row_number() OVER (ORDER BY s.state NOT IN ('low', 'out'), s.available, p.id) AS place, p.id
    FROM low_stock AS l CROSS JOIN product_stock AS s ON s.product_id = l.product_id
    CROSS JOIN products AS p ON p.id = l.product_id
    WHERE l.told = 0),
  notice AS (
    SELECT count(*) AS products,
      json_group_array(id ORDER BY place) FILTER (WHERE place <= ${constant(MAX_PRODUCTS_NAMED)}) AS product_ids FROM fallen)
  INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, request_id, created_at)
  SELECT ${id}, 'email', 'inventory',
    json_object('template', 'low_stock', 'products', products, 'product_ids', json(product_ids)),
    'owed', ${at}, 0, ${requestId}, ${at}
  FROM notice WHERE products > 0
  RETURNING payload ->> 'products' AS products`;
