import type { Context } from "../platform/context.ts";
import { withoutQuery } from "../platform/d1.ts";
import { gathered } from "../platform/gathered.ts";
import { describeError } from "../platform/log.ts";
import { withTimeout } from "../platform/timeout.ts";
import { type Attempted, type Mark, markOf, markTasks } from "./mark.ts";
import { LEASE_MS, type LeasedRow, leaseTasks, type Taken } from "./take.ts";
import { isTaskName, type TaskName } from "./tasks.ts";
import { SWEEP_MS, wakeUp } from "./wake-up.ts";

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
  /** It cannot be done at present, through no fault of its own: tried again after a minute, or `delayMs`. It costs no attempt. */
  | { kind: "not_now"; error: string; delayMs?: number }
  /** Tried again later, with exponential backoff and jitter, until the attempts run out. */
  | { kind: "failed"; error: string };

export type TaskHandler = (context: Context, task: Task) => Promise<TaskOutcome>;

export type TaskHandlers = Record<TaskName, TaskHandler>;

/**
 * Handlers that one call runs at the same time: a whole batch of a queue (`max_batch_size` in wrangler.toml). A Worker waits for
 * six connections at once, so each of 50 calls to a provider may take 6 s, and all end within the lease.
 */
export const AT_ONCE = 50;

/**
 * Leases rows, runs their handlers, and marks what came of them. Any id may be given: rows that are done, dead, unknown,
 * under another lease or not yet due are left alone. A row is leased only when a lane is free to run it, so that one
 * that waits for its turn has no attempt counted. Lanes that are free at the same time lease by one statement, and what ends at
 * the same time is marked by one. Never rejects; a handler that fails or hangs spoils no other.
 * @param timeoutMs how long a handler may take, in real time
 */
export async function runTasks(
  context: Context,
  handlers: TaskHandlers,
  ids: string[],
  timeoutMs = LEASE_MS,
): Promise<void> {
  const left = new Set(ids);
  const mark = gathered((marks: Mark[]) => markTasks(context, marks));
  const lease = gathered((lanes: number[]) => leaseNext(context, left, lanes.length));
  // The lanes that leased together share a list, of which each takes one.
  const takeNext = async (lane: number) => (await lease(lane)).shift();
  const run = async (lane: number) => {
    for (let next = await takeNext(lane); next; next = await takeNext(lane)) {
      await attempt(context, handlers, mark, next, timeoutMs);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.size) }, (_, lane) => run(lane)));
}

/** A row that could not be leased stays owed, and the sweep wakes it. */
async function leaseNext(context: Context, left: Set<string>, lanes: number): Promise<Taken[]> {
  try {
    return left.size === 0 ? [] : await leaseTasks(context, left, lanes);
  } catch (error) {
    context.log.error("work could not be taken", { error: describeError(error) });
    return [];
  }
}

async function attempt(
  context: Context,
  handlers: TaskHandlers,
  mark: (mark: Mark) => Promise<void>,
  taken: Taken,
  timeoutMs: number,
): Promise<void> {
  const { row } = taken;
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
  // `perform` never rejects, so a rejection here is the timeout: a lane must not hang with its handler.
  const outcome = await withTimeout(perform(own, handlers, row), timeoutMs).catch(
    (): Attempted => ({ kind: "late", error: `did not end within ${timeoutMs / 1_000} s` }),
  );
  try {
    const marked = markOf(own, taken, outcome);
    await mark(marked);
    tell(own, row, outcome, marked);
  } catch (error) {
    // The row was not marked: it is due again when the lease runs out.
    log.error("a task could not be marked", { error: describeError(error) });
  }
}

/**
 * Says in the log what came of an attempt, and wakes what is due again before the next sweep. Where another has the row by
 * now, the wake-up does nothing.
 */
function tell(context: Context, row: LeasedRow, outcome: Attempted, mark: Mark): void {
  const { clock, log } = context;
  const wait = mark.not_before - clock.now();
  switch (outcome.kind) {
    case "done":
      return;
    case "not_now":
      log.info("a task waits", { error: outcome.error });
      return;
    case "failed":
    case "late":
      if (mark.state === "dead") {
        log.error("a task died", { error: outcome.error });
        return;
      }
      log.warn("a task failed", { error: outcome.error, retry_in_ms: wait });
  }
  if (wait < SWEEP_MS && outcome.kind !== "late" && isTaskName(row.task))
    context.defer(wakeUp(context, [{ id: row.id, task: row.task, not_before: mark.not_before }]));
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
