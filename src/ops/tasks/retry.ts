import { isTaskName } from "../../events/tasks.ts";
import { wakeUp } from "../../events/work.ts";
import type { Context } from "../../platform/context.ts";
import { all, batch, each, sql, trusted } from "../../platform/sql.ts";
import { UNDELIVERED } from "../keep-undelivered.ts";
import { findTask, TASK_COLUMNS, type TaskRow, taskEvents } from "./rows.ts";

export type RetryOutcome = { kind: "retried" | "not_found" | "not_dead" | "not_retryable" };

/** What no consumer could read has no task: nobody could begin it. */
const RETRYABLE = sql`w.state = 'dead' AND w.task <> ${UNDELIVERED}`;

/** Rows of one batch: an event and a bell each. */
const AT_ONCE = 500;

/** Owes a dead task again, from now on and with all its attempts. Of two retries at once one has it. */
export async function retryDeadLetter(context: Context, id: string): Promise<RetryOutcome> {
  const row = await findTask(context, id);
  if (row === null) return { kind: "not_found" };
  if (row.task === UNDELIVERED) return { kind: "not_retryable" };
  if (row.state !== "dead") return { kind: "not_dead" };
  return { kind: (await oweAgain(context, [row])) === 1 ? "retried" : "not_dead" };
}

/**
 * Owes again all that was dead when it began; returns how many that were by its own hand. One that dies under way
 * leaves the rest dead, for the next.
 */
export async function retryDeadLetters(context: Context): Promise<number> {
  const until = context.clock.now();
  let retried = 0;
  let after: Pick<TaskRow, "finished_at" | "id"> = { finished_at: 0, id: "" };
  for (;;) {
    const rows = await all(
      context.env.DB,
      sql<TaskRow>`
        SELECT ${trusted(TASK_COLUMNS)} FROM work AS w INDEXED BY work_dead
        WHERE ${RETRYABLE} AND (w.finished_at, w.id) > (${after.finished_at}, ${after.id}) AND w.finished_at <= ${until}
        ORDER BY w.finished_at, w.id LIMIT ${AT_ONCE}`,
    );
    const last = rows.at(-1);
    if (last === undefined) return retried;
    retried += await oweAgain(context, rows);
    after = last;
  }
}

/** The last error is kept to be read until the task is done. A worker of before has lost its lease, and marks nothing. */
async function oweAgain(context: Context, rows: TaskRow[]): Promise<number> {
  const { env, clock } = context;
  const { owed } = await batch(env.DB, {
    told: taskEvents(context, "task.retried", rows, RETRYABLE),
    owed: sql<{ id: string; task: string }>`
      UPDATE work AS w SET state = 'owed', attempts = 0, lease = NULL, not_before = ${clock.now()}, finished_at = NULL
      WHERE w.id IN (SELECT value FROM ${each(rows.map(({ id }) => id))}) AND ${RETRYABLE}
      RETURNING id, task`,
  });
  const bells = owed.flatMap(({ id, task }) => (isTaskName(task) ? [{ id, task }] : []));
  context.defer(wakeUp(context, bells));
  return owed.length;
}
