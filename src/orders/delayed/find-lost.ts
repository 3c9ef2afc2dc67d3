import type { Context } from "../../platform/context.ts";
import { all, constant, each, sql, trusted } from "../../platform/sql.ts";
import type { OrderStatus } from "../lifecycle.ts";

/** How many orders one batch takes on: a backlog is worked off by several. */
export const LOST_BATCH = 200;

/** The statuses that somebody is working on. */
export const WORKED_ON: readonly OrderStatus[] = ["confirmed", "processing", "shipped"];
/** The same in SQL, of `orders AS o`, as the partial indexes have it. */
export const IN_WORK = `o.status IN (${WORKED_ON.map((status) => `'${status}'`).join(", ")})`;

/**
 * Orders in work, whether or not they were found delayed, by the two indexes that share them: SQLite merges what it reads
 * along these where it is asked for by `status_at`.
 */
export const STANDING = `SELECT * FROM orders AS o INDEXED BY orders_in_work WHERE ${IN_WORK} AND o.delayed_at IS NULL
  UNION ALL SELECT * FROM orders AS o INDEXED BY orders_delayed WHERE ${IN_WORK} AND o.delayed_at IS NOT NULL`;

/** An order whose next round is due. Stamps are milliseconds. */
export interface Lost {
  id: string;
  reference: string;
  status: OrderStatus;
  version: number;
  status_at: number;
  /** Rounds that were made: 0 for one that is newly delayed. */
  delayed_retries: number;
}

/**
 * Orders whose next round is due, by an index for each round. The first comes when an order was longer than
 * `DELAYED_AFTER_MINUTES` in its status, each further one as long after it was found. The last, `DELAYED_RETRIES + 1`,
 * puts it before a person, and after that it is left alone.
 */
export async function findLost({ env, settings, clock }: Context): Promise<Lost[]> {
  const patience = settings.DELAYED_AFTER_MINUTES * 60_000;
  const now = clock.now();
  const columns = sql`o.id, o.reference, o.status, o.version, o.status_at, o.delayed_retries`;
  const inWork = trusted(IN_WORK);
  const rounds = Array.from({ length: settings.DELAYED_RETRIES }, (_, index) => ({
    round: index + 1,
    before: now - patience * (index + 1),
  }));
  return all(
    env.DB,
    sql<Lost>`
      SELECT * FROM (SELECT ${columns} FROM orders AS o INDEXED BY orders_in_work
        WHERE ${inWork} AND o.delayed_at IS NULL AND o.status_at < ${now - patience}
        ORDER BY o.status_at LIMIT ${constant(LOST_BATCH)})
      UNION ALL
      SELECT ${columns} FROM ${each(rounds)} AS due CROSS JOIN orders AS o INDEXED BY orders_rounds
      WHERE ${inWork} AND o.delayed_at IS NOT NULL AND o.delayed_retries = due.value ->> 'round'
        AND o.delayed_at <= due.value ->> 'before'
      LIMIT ${constant(LOST_BATCH)}`,
  );
}
