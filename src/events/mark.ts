import type { Context } from "../platform/context.ts";
import { storableText } from "../platform/json-text.ts";
import { notRestoredSince } from "../platform/restoring.ts";
import { each, run, type Sql, sql } from "../platform/sql.ts";
import { MAX_ATTEMPTS, retryDelay } from "./backoff.ts";
import type { TaskOutcome } from "./run-tasks.ts";
import type { Taken } from "./take.ts";
import { SWEEP_MS } from "./wake-up.ts";

const MAX_ERROR_LENGTH = 2_000;

/** What an attempt came to. `late`: it did not end in time, and may be going on. */
export type Attempted = TaskOutcome | { kind: "late"; error: string };

/** What becomes of a row once it was attempted. */
export interface Mark {
  id: string;
  /** The lease under which it was attempted, and the restore generation of that time. */
  lease: string;
  generation: number;
  state: "owed" | "done" | "dead";
  /** As JSON; null leaves it as it is. */
  payload: string | null;
  attempts: number;
  not_before: number;
  error: string | null;
  finished_at: number | null;
}

export function markOf({ clock, ids }: Context, { lease, row }: Taken, outcome: Attempted): Mark {
  const now = clock.now();
  const owed: Mark = {
    ...{ id: row.id, lease: lease.stamp, generation: row.generation },
    ...{ state: "owed", payload: null, attempts: row.attempts, not_before: row.not_before },
    ...{
      error: "error" in outcome ? storableText(outcome.error, MAX_ERROR_LENGTH) : null,
      finished_at: null,
    },
  };
  switch (outcome.kind) {
    case "done":
      return { ...owed, state: "done", finished_at: now };
    case "goes_on":
      return { ...owed, payload: JSON.stringify(outcome.payload), attempts: 0, not_before: now };
    case "not_now":
      // Gives the attempt back that the lease has counted.
      return { ...owed, attempts: row.attempts - 1, not_before: now + (outcome.delayMs ?? SWEEP_MS) };
    case "failed":
    case "late":
      if (row.attempts >= MAX_ATTEMPTS) return { ...owed, state: "dead", not_before: now, finished_at: now };
      // The handler of a late one may still be running: the row is due no sooner than the lease had said.
      return outcome.kind === "late"
        ? owed
        : { ...owed, not_before: now + retryDelay(row.attempts, ids.next()) };
  }
}

/**
 * Marks rows by one statement, each by itself. Only the lease that did the work may mark its row: a late worker, whose row
 * another has leased since, marks nothing, and of two workers that did the same part, one moves the row on. Nor does a lease
 * of before a restore mark anything, since its row, lease and all, may be in the backup. A mail that is sent needs its
 * address no more.
 */
export async function markTasks({ env }: Context, marks: Mark[]): Promise<void> {
  await run(
    env.DB,
    sql`UPDATE work SET state = mark.value ->> 'state', 
        payload = iif(mark.value ->> 'state' = 'done' AND task = 'email', json_remove(payload, '$.email'), coalesce(mark.value ->> 'payload', payload)),
        attempts = mark.value ->> 'attempts', lease = NULL, not_before = mark.value ->> 'not_before',
        error = mark.value ->> 'error', finished_at = mark.value ->> 'finished_at'
      FROM ${each(marks)} AS mark
      WHERE work.id = mark.value ->> 'id' AND work.lease = mark.value ->> 'lease' AND work.state = 'owed'
        AND ${notRestoredSince({ generation: sql`mark.value ->> 'generation'` })}`,
  );
}

/**
 * Marks rows done whose work the request did by itself, by one statement and without a lease. Only for work that may be
 * done twice, since a consumer may be at the same row.
 */
export async function markTasksDone(context: Context, ids: string[]): Promise<void> {
  if (ids.length > 0) await run(context.env.DB, tasksDone(context, ids));
}

/** The same as a statement, for the batch that does the last of that work. */
export const tasksDone = (context: Context, ids: string[]): Sql => sql`
  UPDATE work SET state = 'done', finished_at = ${context.clock.now()}, error = NULL
  WHERE id IN (SELECT value FROM ${each(ids)}) AND state = 'owed' AND ${notRestoredSince(context)}`;
