import { wakeUp } from "../../events/work.ts";
import { lowStockSubject } from "../../notifications/low-stock.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { batch, constant, first, type Sql, sql } from "../../platform/sql.ts";

/** A letter names so many of them, the scarcest first. */
const MAX_LINES = 200;

/**
 * Job `low-stock-notice`: one mail to `ADMIN_EMAIL` with the products that came to or below their threshold, over all
 * stores, and that nobody was told of since. A product that stays there is not told of again; one that was above it in
 * between is. Who has recovered by now is named with the rest: something had to be refused, or nearly so.
 *
 * The letter names the products that the same batch marks as told, and is composed from their ids when it is sent
 * (notifications/low-stock.ts): two runs at once tell of each fall once, and a death leaves both undone or the letter
 * owed. Where nobody is to be told, nothing is marked.
 */
export async function sendLowStockNotice(context: Context): Promise<string | null> {
  const { env, settings, clock, ids, requestId } = context;
  if (settings.ADMIN_EMAIL === undefined) {
    const fallen = await countUntold(env.DB);
    return fallen === 0 ? null : `${named(fallen)}; ADMIN_EMAIL is not set, so nobody was told`;
  }
  const id = prefixed("wrk", ids.next());
  const { letters } = await batch(env.DB, {
    letters: oweLetter({ id, at: clock.now(), requestId }),
    recovered: sql`
      DELETE FROM low_stock WHERE told = 0 AND product_id IN (
        SELECT s.product_id FROM low_stock AS l CROSS JOIN product_stock AS s ON s.product_id = l.product_id
        WHERE l.told = 0 AND s.state <> 'low' AND s.state <> 'out')`,
    told: sql`UPDATE low_stock SET told = 1 WHERE told = 0`,
  });
  const [owed] = letters;
  if (!owed) return null;
  context.defer(wakeUp(context, [{ id, task: "email" }]));
  return `${lowStockSubject(owed.products)}; a notice is owed`;
}

const named = (count: number): string => (count === 1 ? "1 product is low" : `${count} products are low`);

async function countUntold(db: D1Database): Promise<number> {
  const count = await first(
    db,
    sql<{ untold: number }>`SELECT count(*) AS untold FROM low_stock WHERE told = 0`,
  );
  return count?.untold ?? 0;
}

/** A letter that names what fell: the low first, the scarcest before the others. Nothing fell, no letter. */
const oweLetter = ({
  id,
  at,
  requestId,
}: {
  id: string;
  at: number;
  requestId: string;
}): Sql<{ products: number }> => sql`
  WITH fallen AS (
    SELECT row_number() OVER (ORDER BY s.state NOT IN ('low', 'out'), s.available, p.id) AS place, p.id
    FROM low_stock AS l CROSS JOIN product_stock AS s ON s.product_id = l.product_id
    CROSS JOIN products AS p ON p.id = l.product_id
    WHERE l.told = 0),
  letter AS (
    SELECT count(*) AS products,
      json_group_array(id ORDER BY place) FILTER (WHERE place <= ${constant(MAX_LINES)}) AS product_ids FROM fallen)
  INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, request_id, created_at)
  SELECT ${id}, 'email', 'inventory',
    json_object('template', 'low_stock', 'products', products, 'product_ids', json(product_ids)),
    'owed', ${at}, 0, ${requestId}, ${at}
  FROM letter WHERE products > 0
  RETURNING payload ->> 'products' AS products`;
