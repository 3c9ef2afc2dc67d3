import { chunksOf } from "../platform/chunks.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";
import { batch, each, run, sql } from "../platform/sql.ts";
import { addDeathNotices } from "./dead-tasks.ts";
import { LEASE_MS } from "./take.ts";
import { bindingOf, TASK_NAMES, type TaskName } from "./tasks.ts";

/** Queues take 100 messages a `sendBatch`. */
const MAX_MESSAGES = 100;
/** Queues delay messages by twelve hours at most: tasks that are due later are left to the sweep. */
const MAX_DELAY_SECONDS = 43_200;
const SWEEP_LIMIT = 1_000;
/** A task that is due before the next sweep needs a wake-up of its own. */
export const SWEEP_MS = 60_000;

/** A task to wake: now, or when it becomes due. */
export interface WakeUp {
  id: string;
  task: TaskName;
  /** Milliseconds; left out, now. */
  not_before?: number;
}

/** Sends a message for each task to its queue. Messages may be lost: the sweep sends them again. */
export async function wakeUp(context: Context, tasks: WakeUp[]): Promise<void> {
  const now = context.clock.now();
  const queues = Map.groupBy(tasks, ({ task }) => bindingOf(task));
  await Promise.all(
    [...queues].flatMap(([queue, rows]) =>
      chunksOf(rows, MAX_MESSAGES).map(async (chunk) => {
        try {
          await context.env[queue].sendBatch(chunk.map((task) => messageOf(task, now)));
        } catch (error) {
          context.log.warn("a wake-up was lost", {
            queue,
            messages: chunk.length,
            error: describeError(error),
          });
        }
      }),
    ),
  );
}

/** The delay is rounded up: a message that came before its row is due would do nothing. */
function messageOf({ id, not_before }: WakeUp, now: number): MessageSendRequest<{ id: string }> {
  const seconds = Math.ceil(((not_before ?? now) - now) / 1_000);
  return seconds > 0
    ? { body: { id }, delaySeconds: Math.min(seconds, MAX_DELAY_SECONDS) }
    : { body: { id } };
}

/**
 * The sweep: adds notices of tasks that died, and wakes all tasks that are due and not under way, the longest due first. Runs each minute, and returns how
 * many. Tasks that this version does not know are left for the version that does.
 * @param aheadMs how far the context's clock is ahead of the clock of those who run the tasks, as when a job is run by hand
 * for a later time: tasks that become due until then are made due now
 */
export async function wakeDueTasks(context: Context, aheadMs = 0): Promise<number> {
  const now = context.clock.now() - aheadMs;
  if (aheadMs > 0) await bringForward(context, now, aheadMs);
  const { due } = await batch(context.env.DB, {
    deaths: addDeathNotices(context),
    due: sql<{ id: string; task: TaskName }>`
      SELECT id, task FROM work
      WHERE state = 'owed' AND not_before <= ${now} AND task IN (SELECT value FROM ${each(TASK_NAMES)})
      ORDER BY not_before LIMIT ${SWEEP_LIMIT}`,
  });
  await wakeUp(context, due);
  return due.length;
}

/** Keeps the order in which rows are due. A leased row stays with its worker until the lease ends, by any clock. */
async function bringForward({ env }: Context, now: number, aheadMs: number): Promise<void> {
  await run(
    env.DB,
    sql`UPDATE work SET not_before = not_before - ${aheadMs}
      WHERE state = 'owed' AND not_before > ${now} AND not_before <= ${now} + ${aheadMs}
        AND (lease IS NULL OR started_at <= ${now - LEASE_MS})`,
  );
}
