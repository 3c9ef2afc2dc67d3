import type { Context } from "../platform/context.ts";
import { GENERATION, IS_RESTORING } from "../platform/restoring.ts";
import { all, each, sql } from "../platform/sql.ts";
import { MAX_ATTEMPTS, retryDelay } from "./backoff.ts";

/**
 * How long a leased row belongs to its worker alone. After that the row is due again, though no sooner than its backoff
 * says, and nobody waits for a handler that is still running.
 */
export const LEASE_MS = 60_000;

export interface LeasedRow {
  id: string;
  task: string;
  object_id: string;
  payload: string;
  state: "owed" | "dead";
  attempts: number;
  not_before: number;
  error: string | null;
  request_id: string | null;
  generation: number;
}

/** One worker's right to the rows that it leased with one statement. */
export interface Lease {
  stamp: string;
  /** Milliseconds: from this time on other workers may lease the same rows. */
  until: number;
}

export interface Taken {
  lease: Lease;
  row: LeasedRow;
}

/**
 * Leases rows by one statement, so that of two workers one gets the row. The attempt is counted here and not after the
 * work, since a task that kills its worker must run out of attempts too: it dies when it would be begun once more. For
 * the same reason the backoff of this attempt is written here, where it ends later than the lease; the last attempt has
 * none. Leased ids are removed from `left`, or all of them when no more rows can be leased. Leases nothing while a backup
 * overwrites the shop.
 */
export async function leaseTasks(context: Context, left: Set<string>, lanes: number): Promise<Taken[]> {
  const now = context.clock.now();
  const lease: Lease = { stamp: context.ids.next(), until: now + LEASE_MS };
  const chance = context.ids.next();
  const delays = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => retryDelay(index + 1, chance));
  const rows = await all(
    context.env.DB,
    sql<LeasedRow>`
      UPDATE work SET
        lease = ${lease.stamp},
        started_at = ${now},
        not_before = max(${lease.until}, ${now} + coalesce(${JSON.stringify(delays)} ->> attempts, 0)),
        attempts = min(attempts + 1, ${MAX_ATTEMPTS}),
        state = CASE WHEN attempts < ${MAX_ATTEMPTS} THEN state ELSE 'dead' END,
        finished_at = CASE WHEN attempts < ${MAX_ATTEMPTS} THEN NULL ELSE ${now} END,
        error = CASE WHEN attempts < ${MAX_ATTEMPTS} THEN error ELSE coalesce(error, 'its last attempt never ended') END
      WHERE id IN (SELECT id FROM work
                   WHERE id IN (SELECT value FROM ${each([...left])}) AND state = 'owed' AND not_before <= ${now}
                     AND NOT ${IS_RESTORING}
                   ORDER BY not_before LIMIT ${lanes})
      RETURNING id, task, object_id, payload, state, attempts, not_before, error, request_id,
        ${GENERATION} AS generation`,
  );
  if (rows.length < lanes) left.clear();
  for (const { id } of rows) left.delete(id);
  return rows.map((row) => ({ lease, row }));
}
