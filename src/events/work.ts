import type { Context } from "../platform/context.ts";
import { jsonParameter, withoutQuery } from "../platform/d1.ts";
import { describeError } from "../platform/log.ts";
import type { TaskName } from "./append.ts";

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
  /** Tried again later, with exponential backoff and jitter, until the attempts run out. */
  | { kind: "failed"; error: string };

export type TaskHandlers = Record<TaskName, (context: Context, task: Task) => Promise<TaskOutcome>>;

/** How long a row is its taker's alone. Past it the row is simply due again, so a handler must be done well before. */
export const LEASE_MS = 60_000;
/** With the delays below the last try comes up to three hours after the first. */
export const MAX_ATTEMPTS = 8;
export const FIRST_RETRY_MS = 10_000;
const RETRY_FACTOR = 3;
/** Handlers of one call under way at once. */
const AT_ONCE = 10;
const MAX_ERROR_LENGTH = 2_000;

interface LeasedRow {
  id: string;
  task: string;
  object_id: string;
  payload: string;
  state: "owed" | "dead";
  attempts: number;
  error: string | null;
  request_id: string | null;
}

/** One call's hold on its rows. */
interface Lease {
  nonce: string;
  /** Milliseconds: from here on others may have taken them. */
  until: number;
}

/**
 * Takes rows by lease, does the work, marks them. What a queue message or the sweep names, whatever came of it
 * before: rows that are done, dead, unknown, under another lease or not yet due are left alone. Throws only when D1
 * cannot be asked for the rows; each handler's failure is its own.
 */
export async function workOff(context: Context, handlers: TaskHandlers, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const now = context.clock.now();
  const lease = { nonce: context.ids.next(), until: now + LEASE_MS };
  const rows = (await takeRows(context.env.DB, lease, ids, now)).values();
  const lane = async () => {
    for (const row of rows) await attempt(context, handlers, lease, row);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/**
 * One statement, so that of two takers one has the row. The attempt is counted here and not after the work: a task
 * that kills its worker runs out of attempts too, and dies when it would be begun once more.
 */
async function takeRows(db: D1Database, lease: Lease, ids: string[], now: number): Promise<LeasedRow[]> {
  const { results } = await db
    .prepare(
      `UPDATE work SET
         lease = ?2,
         started_at = ?3,
         not_before = ?4,
         attempts = min(attempts + 1, ?5),
         state = CASE WHEN attempts < ?5 THEN state ELSE 'dead' END,
         finished_at = CASE WHEN attempts < ?5 THEN NULL ELSE ?3 END,
         error = CASE WHEN attempts < ?5 THEN error ELSE coalesce(error, 'its last attempt never ended') END
       WHERE id IN (SELECT value FROM json_each(?1)) AND state = 'owed' AND not_before <= ?3
       RETURNING id, task, object_id, payload, state, attempts, error, request_id`,
    )
    .bind(jsonParameter(ids), lease.nonce, now, lease.until, MAX_ATTEMPTS)
    .all<LeasedRow>();
  return results;
}

async function attempt(
  context: Context,
  handlers: TaskHandlers,
  lease: Lease,
  row: LeasedRow,
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
  // Waited for its turn past its lease: whoever has it now does it.
  if (context.clock.now() >= lease.until) return;
  try {
    const outcome = await perform({ ...context, log, requestId }, handlers, row);
    if (outcome.kind === "done") await markDone(context, lease, row);
    else await markFailed({ ...context, log }, lease, row, outcome.error);
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
async function markDone(context: Context, lease: Lease, row: LeasedRow): Promise<void> {
  await context.env.DB.prepare(
    `UPDATE work SET state = 'done', finished_at = ?3, error = NULL
     WHERE id = ?1 AND lease = ?2 AND state = 'owed'`,
  )
    .bind(row.id, lease.nonce, context.clock.now())
    .run();
}

async function markFailed(context: Context, lease: Lease, row: LeasedRow, error: string): Promise<void> {
  const now = context.clock.now();
  const dead = row.attempts >= MAX_ATTEMPTS;
  const delay = retryDelay(row.attempts, fractionOf(context.ids.next()));
  await context.env.DB.prepare(
    `UPDATE work SET state = ?3, lease = NULL, error = ?4, not_before = ?5, finished_at = ?6
     WHERE id = ?1 AND lease = ?2 AND state = 'owed'`,
  )
    .bind(
      row.id,
      lease.nonce,
      dead ? "dead" : "owed",
      error.slice(0, MAX_ERROR_LENGTH),
      dead ? now : now + delay,
      dead ? now : null,
    )
    .run();
  if (dead) context.log.error("a task died", { error });
  else context.log.warn("a task failed", { error, retry_in_ms: delay });
}

/**
 * Milliseconds until the next try: 10 s after the first failure and three times as long after each further one,
 * between half and all of it, so that what failed together does not come back together.
 * @param failures from 1; @param fraction from 0 up to 1, by chance
 */
function retryDelay(failures: number, fraction: number): number {
  return Math.round(FIRST_RETRY_MS * RETRY_FACTOR ** (failures - 1) * (0.5 + fraction / 2));
}

/** Chance comes from the ids, which tests inject: the last four of a ulid's random characters, as 20 bits. */
function fractionOf(ulid: string): number {
  const value = [...ulid.slice(-4)].reduce((sum, character) => sum * 32 + BASE32.indexOf(character), 0);
  return value / 32 ** 4;
}

const BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";

/**
 * Marks rows done whose work was done inline, in one statement and without a lease. The work must be one that may
 * be done twice: a consumer may be at the same row.
 */
export async function settleWork(context: Context, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await context.env.DB.prepare(
    `UPDATE work SET state = 'done', finished_at = ?2, error = NULL
     WHERE id IN (SELECT value FROM json_each(?1)) AND state = 'owed'`,
  )
    .bind(jsonParameter(ids), context.clock.now())
    .run();
}

/** Where each task's bell hangs. */
const BELLS: Record<TaskName, "NOTIFICATIONS_QUEUE" | "ORDERS_QUEUE" | "PAYMENTS_QUEUE"> = {
  email: "NOTIFICATIONS_QUEUE",
  follow: "ORDERS_QUEUE",
  "fulfilment-step": "ORDERS_QUEUE",
  "payment-event": "PAYMENTS_QUEUE",
  refund: "PAYMENTS_QUEUE",
  restock: "ORDERS_QUEUE",
};

const isTaskName = (task: string): task is TaskName => Object.hasOwn(BELLS, task);

/** Queues take 100 messages a `sendBatch`. */
const MAX_MESSAGES = 100;
/** And delay them by twelve hours at most: what is due later is left to the sweep. */
const MAX_DELAY_SECONDS = 43_200;
const SWEEP_LIMIT = 1_000;

/** A row to ring for. One that is not due yet is rung for when it will be. */
export interface Bell {
  id: string;
  task: TaskName;
  /** Milliseconds; left out, now. */
  not_before?: number;
}

/** Rings for rows by their ids: a message each to the queue of their task. May be lost; the sweep rings again. */
export async function ring(context: Context, work: Bell[]): Promise<void> {
  const now = context.clock.now();
  const queues = Map.groupBy(work, ({ task }) => BELLS[task]);
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
function messageOf({ id, not_before }: Bell, now: number): MessageSendRequest<{ id: string }> {
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
 */
export async function ringOwed(context: Context): Promise<number> {
  const { results } = await context.env.DB.prepare(
    `SELECT id, task FROM work
     WHERE state = 'owed' AND not_before <= ?1 AND task IN (SELECT value FROM json_each(?2))
     ORDER BY not_before LIMIT ?3`,
  )
    .bind(context.clock.now(), jsonParameter(Object.keys(BELLS)), SWEEP_LIMIT)
    .all<{ id: string; task: TaskName }>();
  await ring(context, results);
  return results.length;
}
