import type { Context } from "../platform/context.ts";
import { withoutQuery } from "../platform/d1.ts";
import { describeError } from "../platform/log.ts";
import { all, each, run, sql } from "../platform/sql.ts";
import { withTimeout } from "../platform/timeout.ts";
import { MAX_ATTEMPTS, retryDelay } from "./backoff.ts";
import { LEASE_MS, type Lease, type LeasedRow, leaseTasks, type Taken } from "./take.ts";
import { bindingOf, isTaskName, TASK_NAMES, type TaskName } from "./tasks.ts";

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
  /** A part of it is: the row is owed on, with this payload and all its attempts, and rung for at once. */
  | { kind: "goes_on"; payload: Record<string, unknown> }
  /** Tried again later, with exponential backoff and jitter, until the attempts run out. */
  | { kind: "failed"; error: string };

export type TaskHandlers = Record<TaskName, (context: Context, task: Task) => Promise<TaskOutcome>>;

/** Handlers of one call under way at once. */
const AT_ONCE = 10;
const MAX_ERROR_LENGTH = 2_000;
/** The next sweep is no further: what is due sooner is rung for here. */
const SWEEP_MS = 60_000;

/**
 * Takes rows by lease, does the work, marks them. What a queue message or the sweep names, whatever came of it
 * before: rows that are done, dead, unknown, under another lease or not yet due are left alone. A row is taken only
 * when there is a lane for it: one that waits for its turn has no lease, and no attempt is counted. Throws only when
 * D1 cannot be asked for the first rows; each handler's failure is its own.
 * @param patience how long a handler may take, milliseconds of real time
 */
export async function runTasks(
  context: Context,
  handlers: TaskHandlers,
  ids: string[],
  patience = LEASE_MS,
): Promise<void> {
  const left = new Set(ids);
  if (left.size === 0) return;
  const taken = await leaseTasks(context, left, AT_ONCE);
  const lane = async (first: Taken) => {
    for (let next: Taken | undefined = first; next; next = await takeNext(context, left)) {
      await attempt(context, handlers, next, patience);
    }
  };
  await Promise.all(taken.map(lane));
}

/** Rows that could not be taken are still owed, and the sweep rings for them. */
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
  patience: number,
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
  const own = { ...context, log, requestId };
  try {
    // `perform` itself never fails. A lane must not hang with its handler.
    const outcome = await withTimeout(perform(own, handlers, row), patience).catch(() => "late" as const);
    if (outcome === "late") await markLate(own, lease, row, patience);
    else if (outcome.kind === "done") await markDone(own, lease, row);
    else if (outcome.kind === "goes_on") await markOn(own, lease, row, outcome.payload);
    else await markFailed(own, lease, row, outcome.error);
  } catch (error) {
    // The mark was not made: when the lease runs out, the row is due again.
    log.error("a task could not be marked", { error: describeError(error) });
  }
}

/** A handler that throws has failed, as one that says so. */
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

/** Only under the lease that did the work: a late worker, whose row was taken over, marks nothing. */
const isUnder = (lease: Lease, row: LeasedRow) =>
  sql`id = ${row.id} AND lease = ${lease.stamp} AND state = 'owed'`;

async function markDone(context: Context, lease: Lease, row: LeasedRow): Promise<void> {
  await run(
    context.env.DB,
    sql`UPDATE work SET state = 'done', finished_at = ${context.clock.now()}, error = NULL
      WHERE ${isUnder(lease, row)}`,
  );
}

/** Under its lease too: of two at one part one moves the row on, and who comes late moves it nowhere. */
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
      WHERE ${isUnder(lease, row)}`,
  );
  if (moved > 0 && isTaskName(row.task)) context.defer(wakeUp(context, [{ id: row.id, task: row.task }]));
}

async function markFailed(context: Context, lease: Lease, row: LeasedRow, error: string): Promise<void> {
  const delay = retryDelay(row.attempts, context.ids.next());
  const due = context.clock.now() + delay;
  const alive = await markNotDone(context, lease, row, error, due);
  if (alive && delay < SWEEP_MS && isTaskName(row.task)) {
    context.defer(wakeUp(context, [{ id: row.id, task: row.task, not_before: due }]));
  }
}

/** It may still be at it until its lease ends, and after: the row is due no sooner than the lease said. */
async function markLate(context: Context, lease: Lease, row: LeasedRow, patience: number): Promise<void> {
  await markNotDone(context, lease, row, `did not end within ${patience / 1_000} s`, row.not_before);
}

/** Returns whether it is tried again, by this mark: not when it is dead, or another's by now. */
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
    sql`UPDATE work SET state = ${dead ? "dead" : "owed"}, lease = NULL, error = ${error.slice(0, MAX_ERROR_LENGTH)},
        not_before = ${dead ? now : notBefore}, finished_at = ${dead ? now : null}
      WHERE ${isUnder(lease, row)}`,
  );
  if (dead) context.log.error("a task died", { error });
  else context.log.warn("a task failed", { error, retry_in_ms: notBefore - now });
  return !dead && marked > 0;
}

/**
 * Marks rows done whose work was done inline, in one statement and without a lease. The work must be one that may
 * be done twice: a consumer may be at the same row.
 */
export async function markTasksDone(context: Context, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await run(
    context.env.DB,
    sql`UPDATE work SET state = 'done', finished_at = ${context.clock.now()}, error = NULL
      WHERE id IN (SELECT value FROM ${each(ids)}) AND state = 'owed'`,
  );
}

/** Queues take 100 messages a `sendBatch`. */
const MAX_MESSAGES = 100;
/** And delay them by twelve hours at most: what is due later is left to the sweep. */
const MAX_DELAY_SECONDS = 43_200;
const SWEEP_LIMIT = 1_000;

/** A row to ring for. One that is not due yet is rung for when it will be. */
export interface WakeUp {
  id: string;
  task: TaskName;
  /** Milliseconds; left out, now. */
  not_before?: number;
}

/** Rings for rows by their ids: a message each to the queue of their task. May be lost; the sweep rings again. */
export async function wakeUp(context: Context, work: WakeUp[]): Promise<void> {
  const now = context.clock.now();
  const queues = Map.groupBy(work, ({ task }) => bindingOf(task));
  await Promise.all(
    [...queues].flatMap(([queue, rows]) =>
      chunksOf(rows, MAX_MESSAGES).map(async (chunk) => {
        try {
          await context.env[queue].sendBatch(chunk.map((bell) => messageOf(bell, now)));
        } catch (error) {
          context.log.warn("a bell was lost", { queue, messages: chunk.length, error: describeError(error) });
        }
      }),
    ),
  );
}

/** Rounded up: a bell that came before its row is due would ring for nothing. */
function messageOf({ id, not_before }: WakeUp, now: number): MessageSendRequest<{ id: string }> {
  const seconds = Math.ceil(((not_before ?? now) - now) / 1_000);
  return seconds > 0
    ? { body: { id }, delaySeconds: Math.min(seconds, MAX_DELAY_SECONDS) }
    : { body: { id } };
}

function chunksOf<T>(items: T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/**
 * Rings for all that is due and not under way, the longest due first. Each minute. Returns how many. What no task
 * of this version does is left for the version that does.
 * @param ahead how far the context's clock is before the consumers', milliseconds: what is due by it alone is made due
 * by theirs
 */
export async function wakeDueTasks(context: Context, ahead = 0): Promise<number> {
  const now = context.clock.now() - ahead;
  if (ahead > 0) await bringForward(context, now, ahead);
  const due = await all(
    context.env.DB,
    sql<{ id: string; task: TaskName }>`
      SELECT id, task FROM work
      WHERE state = 'owed' AND not_before <= ${now} AND task IN (SELECT value FROM ${each(TASK_NAMES)})
      ORDER BY not_before LIMIT ${SWEEP_LIMIT}`,
  );
  await wakeUp(context, due);
  return due.length;
}

/** In the order in which they are due. A row stays its taker's until its lease ends, whatever clock asks. */
async function bringForward({ env }: Context, now: number, ahead: number): Promise<void> {
  await run(
    env.DB,
    sql`UPDATE work SET not_before = not_before - ${ahead}
      WHERE state = 'owed' AND not_before > ${now} AND not_before <= ${now} + ${ahead}
        AND (lease IS NULL OR started_at <= ${now - LEASE_MS})`,
  );
}
