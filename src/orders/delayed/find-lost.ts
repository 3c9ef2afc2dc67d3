import type { Context } from "../../platform/context.ts";
import { all, constant, each, sql, trusted } from "../../platform/sql.ts";
import type { OrderStatus } from "../lifecycle.ts";

/** Orders of one batch: a longer backlog takes several batches. */
export const LOST_BATCH = 200;

/** The statuses in which somebody works on an order. */
export const WORKED_ON: readonly OrderStatus[] = ["confirmed", "processing", "shipped"];
/** The same as a condition on `orders AS o`, in the words of the partial indexes, so that SQLite uses them. */
export const IN_WORK = `o.status IN (${WORKED_ON.map((status) => `'${status}'`).join(", ")})`;

/**
 * Orders in work, found delayed or not. Two partial indexes share them, one for each; where rows are asked for in the
 * order of `status_at`, SQLite reads along both and merges.
 */
export const ORDERS_IN_WORK = `SELECT * FROM orders AS o INDEXED BY orders_in_work WHERE ${IN_WORK} AND o.delayed_at IS NULL
  UNION ALL SELECT * FROM orders AS o INDEXED BY orders_delayed WHERE ${IN_WORK} AND o.delayed_at IS NOT NULL`;

/** An order whose next round is due. Stamps are milliseconds. */
export interface Lost {
  id: string;
  reference: string;
  status: OrderStatus;
  version: number;
  stamp: string;
  status_at: number;
  /** How many rounds it had: 0 when it is newly delayed. */
  delayed_retries: number;
}

/**
 * Orders whose next round is due. The first round comes when an order was in its status for longer than
 * `DELAYED_AFTER_MINUTES`, and each further one as long after the one before. The last, number `DELAYED_RETRIES + 1`,
 * tells a person of the order; after that it is left alone.
 */
export async function findLost({ env, settings, clock }: Context): Promise<Lost[]> {
  const inWork = trusted(IN_WORK);
  const delayMs = settings.DELAYED_AFTER_MINUTES * 60_000;
  const now = clock.now();
  const columns = sql`o.id, o.reference, o.status, o.version, o.stamp, o.status_at, o.delayed_retries`;
  const rounds = Array.from({ length: settings.DELAYED_RETRIES }, (_, index) => ({
    round: index + 1,
    before: now - delayMs * (index + 1),
  }));
  return all(
    env.DB,
    sql<Lost>`
      SELECT * FROM (SELECT ${columns} FROM orders AS o INDEXED BY orders_in_work
        WHERE ${inWork} AND o.delayed_at IS NULL AND o.status_at < ${now - delayMs}
        ORDER BY o.status_at LIMIT ${constant(LOST_BATCH)})
      UNION ALL
      SELECT ${columns} FROM ${each(rounds)} AS due CROSS JOIN orders AS o INDEXED BY orders_rounds
      WHERE ${inWork} AND o.delayed_at IS NOT NULL AND o.delayed_retries = due.value ->> 'round'
        AND o.delayed_at <= due.value ->> 'before'
      LIMIT ${constant(LOST_BATCH)}`,
  );
}
