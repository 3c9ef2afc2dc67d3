import { ring } from "../../events/work.ts";
import type { Context } from "../../platform/context.ts";
import { rowsOf } from "../../platform/d1.ts";
import { prefixed } from "../../platform/ids.ts";

/** A letter names so many of them, the scarcest first. */
const MAX_LINES = 200;

/**
 * Job `low-stock-notice`: one mail to `ADMIN_EMAIL` with the products that came to or below their threshold, over all
 * stores, and that nobody was told of since. A product that stays there is not told of again; one that was above it in
 * between is. Who has recovered by now is named with the rest: something had to be refused, or nearly so.
 *
 * The letter is written from the rows that the same batch marks as told: two runs at once tell of each fall once, and
 * a death leaves both undone or the letter owed. Where nobody is to be told, nothing is marked.
 */
export async function sendLowStockNotice(context: Context): Promise<string | null> {
  const { env, settings, clock, ids, requestId } = context;
  if (settings.ADMIN_EMAIL === undefined) {
    const fallen = await countUntold(env.DB);
    return fallen === 0 ? null : `${named(fallen)}; ADMIN_EMAIL is not set, so nobody was told`;
  }
  const id = prefixed("wrk", ids.next());
  const results = await env.DB.batch([
    oweLetter(env.DB, { id, at: clock.now(), requestId }),
    env.DB.prepare(
      `DELETE FROM low_stock WHERE told = 0 AND product_id IN (
         SELECT s.product_id FROM low_stock AS l CROSS JOIN product_stock AS s ON s.product_id = l.product_id
         WHERE l.told = 0 AND s.state <> 'low' AND s.state <> 'out')`,
    ),
    env.DB.prepare("UPDATE low_stock SET told = 1 WHERE told = 0"),
  ]);
  const [owed] = rowsOf<{ subject: string }>(results, 0);
  if (!owed) return null;
  context.defer(ring(context, [{ id, task: "email" }]));
  return `${owed.subject}; a notice is owed`;
}

const named = (count: number): string => (count === 1 ? "1 product is low" : `${count} products are low`);

async function countUntold(db: D1Database): Promise<number> {
  const count = await db
    .prepare("SELECT count(*) AS untold FROM low_stock WHERE told = 0")
    .first<number>("untold");
  return count ?? 0;
}

/** The letter is put together where its rows are, in the statement that owes it. No rows, no letter. */
function oweLetter(
  db: D1Database,
  { id, at, requestId }: { id: string; at: number; requestId: string },
): D1PreparedStatement {
  return db
    .prepare(
      `WITH fallen AS (
         SELECT row_number() OVER (ORDER BY s.state NOT IN ('low', 'out'), s.available, p.id) AS place,
           p.title || ' (' || p.sku || '): ' || s.available || ' available, threshold ' || p.low_stock_threshold
             || CASE WHEN s.state IN ('low', 'out') THEN '' ELSE '; it had been low' END AS line
         FROM low_stock AS l CROSS JOIN product_stock AS s ON s.product_id = l.product_id
         CROSS JOIN products AS p ON p.id = l.product_id
         WHERE l.told = 0),
       letter AS (
         SELECT count(*) AS products,
           json_group_array(line ORDER BY place) FILTER (WHERE place <= ${MAX_LINES}) AS lines FROM fallen)
       INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, request_id, created_at)
       SELECT ?1, 'email', 'inventory', json_object('template', 'notice',
         'subject', CASE products WHEN 1 THEN '1 product is' ELSE products || ' products are' END || ' low on stock',
         'lines', json(CASE WHEN products > ${MAX_LINES}
           THEN json_insert(lines, '$[#]', 'and ' || (products - ${MAX_LINES}) || ' more') ELSE lines END)),
         'owed', ?2, 0, ?3, ?2
       FROM letter WHERE products > 0
       RETURNING payload ->> 'subject' AS subject`,
    )
    .bind(id, at, requestId);
}
