import { Commit } from "../../events/commit.ts";
import { isTaskName } from "../../events/tasks.ts";
import { wakeUp } from "../../events/wake-up.ts";
import type { Context } from "../../platform/context.ts";
import { all, each, sql } from "../../platform/sql.ts";
import { UNDELIVERED } from "../keep-undelivered.ts";
import { findTask, TASK_COLUMNS, type TaskRow, taskEvents } from "./rows.ts";

export type RetryOutcome = { kind: "retried" | "not_found" | "not_dead" | "not_retryable" };

/** A message that no consumer could read has no task that could be begun. */
const RETRYABLE = sql`w.state = 'dead' AND w.task <> ${UNDELIVERED}`;

/** Rows of one batch. Each gets an event and a wake-up. */
const BATCH_ROWS = 500;

/** Makes a dead task pending again, from now on and with all its attempts. Of two retries at once, one does it. */
export async function retryDeadLetter(context: Context, id: string): Promise<RetryOutcome> {
  const row = await findTask(context, id);
  if (row === null) return { kind: "not_found" };
  if (row.task === UNDELIVERED) return { kind: "not_retryable" };
  if (row.state !== "dead") return { kind: "not_dead" };
  return { kind: (await makePending(context, [row])) === 1 ? "retried" : "not_dead" };
}

/**
 * Makes all tasks pending again that were dead when it began. Returns how many it did itself. If its worker dies, the rest
 * stays dead, and can be retried again.
 */
export async function retryDeadLetters(context: Context): Promise<number> {
  const until = context.clock.now();
  let retried = 0;
  let after: Pick<TaskRow, "finished_at" | "id"> = { finished_at: 0, id: "" };
  for (;;) {
    const rows = await all(
      context.env.DB,
      sql<TaskRow>`
        SELECT ${TASK_COLUMNS} FROM work AS w INDEXED BY work_dead
        WHERE ${RETRYABLE} AND (w.finished_at, w.id) > (${after.finished_at}, ${after.id}) AND w.finished_at <= ${until}
        ORDER BY w.finished_at, w.id LIMIT ${BATCH_ROWS}`,
    );
    const last = rows.at(-1);
    if (last === undefined) return retried;
    retried += await makePending(context, rows);
    after = last;
  }
}

/** Keeps the last error, to be read until the task is done. Takes the lease away, so that an earlier worker marks nothing. */
async function makePending(context: Context, rows: TaskRow[]): Promise<number> {
  const commit = new Commit(context);
  taskEvents(context, commit, "task.retried", rows, RETRYABLE);
  const retried = commit.win(sql<{ id: string; task: string }>`
    UPDATE work AS w SET state = 'owed', attempts = 0, lease = NULL, not_before = ${context.clock.now()},
      finished_at = NULL
    WHERE w.id IN (SELECT value FROM ${each(rows.map(({ id }) => id))}) AND ${RETRYABLE}
    RETURNING id, task`);
  const pending = (await commit.send()).rows(retried);
  const tasks = pending.flatMap(({ id, task }) => (isTaskName(task) ? [{ id, task }] : []));
  context.defer(wakeUp(context, tasks));
  return pending.length;
}
