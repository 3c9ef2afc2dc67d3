import type { Context } from "../platform/context.ts";
import { withoutQuery } from "../platform/d1.ts";
import { storableText } from "../platform/json-text.ts";
import { describeError } from "../platform/log.ts";
import { notRestoredSince } from "../platform/restoring.ts";
import { each, run, type Sql, sql } from "../platform/sql.ts";
import { withTimeout } from "../platform/timeout.ts";
import { MAX_ATTEMPTS, retryDelay } from "./backoff.ts";
import { LEASE_MS, type Lease, type LeasedRow, leaseTasks, type Taken } from "./take.ts";
import { isTaskName, type TaskName } from "./tasks.ts";
import { wakeUp } from "./wake-up.ts";

/** A task as its handler sees it. */
export interface Task {
  /** Outside effects carry it as their idempotency key or Message-ID. */
  id: string;
  objectId: string;
  payload: Record<string, unknown>;
  attempt: number;
}

export type TaskOutcome =
  | { kind: "done" }
  /** A part of it is done: the same row goes on with this payload and fresh attempts, and is woken at once. */
  | { kind: "goes_on"; payload: Record<string, unknown> }
  /** It cannot be done at present, through no fault of its own: tried again each minute, and costs no attempt. */
  | { kind: "not_now"; error: string }
  /** Tried again later, with exponential backoff and jitter, until the attempts run out. */
  | { kind: "failed"; error: string };

export type TaskHandlers = Record<TaskName, (context: Context, task: Task) => Promise<TaskOutcome>>;

/** Handlers that one call runs at the same time. */
const AT_ONCE = 10;
const MAX_ERROR_LENGTH = 2_000;
/** A task that is due before the next sweep needs a wake-up of its own. */
const SWEEP_MS = 60_000;

/**
 * Leases rows, runs their handlers, and marks what came of them. Any id may be given: rows that are done, dead, unknown,
 * under another lease or not yet due are left alone. A row is leased only when a lane is free to run it, so that one
 * that waits for its turn has no attempt counted. Throws only when D1 cannot be asked for the first rows; a handler that
 * fails spoils no other.
 * @param timeoutMs how long a handler may take, in real time
 */
export async function runTasks(
  context: Context,
  handlers: TaskHandlers,
  ids: string[],
  timeoutMs = LEASE_MS,
): Promise<void> {
  const left = new Set(ids);
  if (left.size === 0) return;
  const taken = await leaseTasks(context, left, AT_ONCE);
  const lane = async (first: Taken) => {
    for (let next: Taken | undefined = first; next; next = await takeNext(context, left)) {
      await attempt(context, handlers, next, timeoutMs);
    }
  };
  await Promise.all(taken.map(lane));
}

/** A row that could not be leased stays pending, and the sweep wakes it. */
async function takeNext(context: Context, left: Set<string>): Promise<Taken | undefined> {
  try {
    return left.size === 0 ? undefined : (await leaseTasks(context, left, 1))[0];
  } catch (error) {
    context.log.error("work could not be taken", { error: describeError(error) });
    return undefined;
  }
}

async function attempt(
  context: Context,
  handlers: TaskHandlers,
  { lease, row }: Taken,
  timeoutMs: number,
): Promise<void> {
  const requestId = row.request_id ?? context.requestId;
  const log = context.log.with({
    request_id: requestId,
    task: row.task,
    work: row.id,
    attempt: row.attempts,
  });
  if (row.state === "dead") {
    log.error("a task died", { error: row.error });
    return;
  }
  const own = { ...context, log, requestId, generation: row.generation };
  try {
    // `perform` never rejects, so a rejection here is the timeout: a lane must not hang with its handler.
    const outcome = await withTimeout(perform(own, handlers, row), timeoutMs).catch(() => "late" as const);
    if (outcome === "late") await markLate(own, lease, row, timeoutMs);
    else if (outcome.kind === "done") await markDone(own, lease, row);
    else if (outcome.kind === "goes_on") await markOn(own, lease, row, outcome.payload);
    else if (outcome.kind === "not_now") await markNotNow(own, lease, row, outcome.error);
    else await markFailed(own, lease, row, outcome.error);
  } catch (error) {
    // The row was not marked: it is due again when the lease runs out.
    log.error("a task could not be marked", { error: describeError(error) });
  }
}

/** A handler that throws has failed, like one that returns `failed`. */
async function perform(context: Context, handlers: TaskHandlers, row: LeasedRow): Promise<TaskOutcome> {
  try {
    if (!isTaskName(row.task)) return { kind: "failed", error: `nobody here does ${row.task}` };
    return await handlers[row.task](context, {
      id: row.id,
      objectId: row.object_id,
      payload: JSON.parse(row.payload),
      attempt: row.attempts,
    });
  } catch (error) {
    context.log.error("a task threw", { error: describeError(error) });
    const thrown = withoutQuery(error);
    return { kind: "failed", error: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

/**
 * Only the lease that did the work may mark its row: a late worker, whose row another has leased since, marks nothing. Nor
 * does one of before a restore, whose row, lease and all, may be in the backup.
 */
const isUnder = (context: Context, lease: Lease, row: LeasedRow): Sql =>
  sql`id = ${row.id} AND lease = ${lease.stamp} AND state = 'owed' AND ${notRestoredSince(context)}`;

async function markDone(context: Context, lease: Lease, row: LeasedRow): Promise<void> {
  await run(
    context.env.DB,
    sql`UPDATE work SET state = 'done', finished_at = ${context.clock.now()}, error = NULL
      WHERE ${isUnder(context, lease, row)}`,
  );
}

/** Needs the lease, like all marks: of two workers that did the same part, one moves the row on. */
async function markOn(
  context: Context,
  lease: Lease,
  row: LeasedRow,
  payload: Record<string, unknown>,
): Promise<void> {
  const moved = await run(
    context.env.DB,
    sql`UPDATE work SET payload = ${JSON.stringify(payload)}, attempts = 0, lease = NULL,
        not_before = ${context.clock.now()}, error = NULL
      WHERE ${isUnder(context, lease, row)}`,
  );
  if (moved > 0 && isTaskName(row.task)) context.defer(wakeUp(context, [{ id: row.id, task: row.task }]));
}

/** Gives the attempt back that the lease has counted. */
async function markNotNow(context: Context, lease: Lease, row: LeasedRow, error: string): Promise<void> {
  await run(
    context.env.DB,
    sql`UPDATE work SET lease = NULL, attempts = max(0, attempts - 1), error = ${storableText(error, MAX_ERROR_LENGTH)},
        not_before = ${context.clock.now() + SWEEP_MS}
      WHERE ${isUnder(context, lease, row)}`,
  );
  context.log.info("a task waits", { error });
}

async function markFailed(context: Context, lease: Lease, row: LeasedRow, error: string): Promise<void> {
  const delay = retryDelay(row.attempts, context.ids.next());
  const due = context.clock.now() + delay;
  const alive = await markNotDone(context, lease, row, error, due);
  if (alive && delay < SWEEP_MS && isTaskName(row.task)) {
    context.defer(wakeUp(context, [{ id: row.id, task: row.task, not_before: due }]));
  }
}

/** The handler may still be running: the row is due no sooner than the lease had said. */
async function markLate(context: Context, lease: Lease, row: LeasedRow, timeoutMs: number): Promise<void> {
  await markNotDone(context, lease, row, `did not end within ${timeoutMs / 1_000} s`, row.not_before);
}

/** Returns whether this mark lets the row be tried again: not when it is dead, or leased by another since. */
async function markNotDone(
  context: Context,
  lease: Lease,
  row: LeasedRow,
  error: string,
  notBefore: number,
): Promise<boolean> {
  const now = context.clock.now();
  const dead = row.attempts >= MAX_ATTEMPTS;
  const marked = await run(
    context.env.DB,
    sql`UPDATE work SET state = ${dead ? "dead" : "owed"}, lease = NULL, error = ${storableText(error, MAX_ERROR_LENGTH)},
        not_before = ${dead ? now : notBefore}, finished_at = ${dead ? now : null}
      WHERE ${isUnder(context, lease, row)}`,
  );
  if (dead) context.log.error("a task died", { error });
  else context.log.warn("a task failed", { error, retry_in_ms: notBefore - now });
  return !dead && marked > 0;
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
