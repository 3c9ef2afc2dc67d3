import type { Context } from "../platform/context.ts";
import { jsonParameter } from "../platform/d1.ts";
import { IS_RESTORING } from "../platform/restoring.ts";
import { MAX_ATTEMPTS, retryDelay } from "./backoff.ts";

/**
 * How long a row is its taker's alone. Past it the row is due again, no sooner than its backoff says, and a handler
 * that is still at it is given up.
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
}

/** One hold on the rows of one taking. */
export interface Lease {
  nonce: string;
  /** Milliseconds: from here on others may have taken them. */
  until: number;
}

export interface Taken {
  lease: Lease;
  row: LeasedRow;
}

/**
 * One statement, so that of two takers one has the row. The attempt is counted here and not after the work: a task
 * that kills its worker runs out of attempts too, and dies when it would be begun once more. For the same reason the
 * backoff of the attempt stands from here on, where it is later than the lease's end; the last attempt has none.
 * What is taken, or when nothing more can be, all, is taken out of `left`. While a backup overwrites the shop nothing is.
 */
export async function takeRows(context: Context, left: Set<string>, lanes: number): Promise<Taken[]> {
  const now = context.clock.now();
  const lease: Lease = { nonce: context.ids.next(), until: now + LEASE_MS };
  const chance = context.ids.next();
  const delays = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => retryDelay(index + 1, chance));
  const { results } = await context.env.DB.prepare(
    `UPDATE work SET
       lease = ?2,
       started_at = ?3,
       not_before = max(?4, ?3 + coalesce(?5 ->> attempts, 0)),
       attempts = min(attempts + 1, ?6),
       state = CASE WHEN attempts < ?6 THEN state ELSE 'dead' END,
       finished_at = CASE WHEN attempts < ?6 THEN NULL ELSE ?3 END,
       error = CASE WHEN attempts < ?6 THEN error ELSE coalesce(error, 'its last attempt never ended') END
     WHERE id IN (SELECT id FROM work
                  WHERE id IN (SELECT value FROM json_each(?1)) AND state = 'owed' AND not_before <= ?3
                    AND NOT ${IS_RESTORING}
                  ORDER BY not_before LIMIT ?7)
     RETURNING id, task, object_id, payload, state, attempts, not_before, error, request_id`,
  )
    .bind(jsonParameter([...left]), lease.nonce, now, lease.until, jsonParameter(delays), MAX_ATTEMPTS, lanes)
    .all<LeasedRow>();
  if (results.length < lanes) left.clear();
  for (const { id } of results) left.delete(id);
  return results.map((row) => ({ lease, row }));
}
