import type { Commit } from "../../events/commit.ts";
import { isCritical } from "../../events/tasks.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { first, type Sql, sql } from "../../platform/sql.ts";
import { UNDELIVERED } from "../keep-undelivered.ts";

export const TASK_COLUMNS = sql`w.id, w.task, w.object_id, w.payload, w.state, w.attempts, w.error, w.not_before,
  w.created_at, w.started_at, w.finished_at`;

/** A row of `work`, as staff see it. */
export interface TaskRow {
  id: string;
  task: string;
  object_id: string;
  payload: string;
  state: "owed" | "done" | "dead";
  attempts: number;
  error: string | null;
  not_before: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
}

/** Neither stock nor money hangs on a message that no consumer could read. */
export const mayBeDropped = ({ task }: Pick<TaskRow, "task">): boolean =>
  task === UNDELIVERED || !isCritical(task);

export const findTask = ({ env }: Context, id: string): Promise<TaskRow | null> =>
  first(env.DB, sql<TaskRow>`SELECT ${TASK_COLUMNS} FROM work AS w WHERE w.id = ${id}`);

/**
 * Adds the events of what a person does to tasks. They must come before the change, in the same commit, with the same
 * condition: so both meet the same state, and an event is written exactly for each row that changes.
 * @param condition SQL about the row, `w`
 */
export function taskEvents(
  context: Context,
  commit: Commit,
  type: "task.dropped" | "task.retried" | "task.revoked",
  rows: TaskRow[],
  condition: Sql,
): void {
  commit.events(
    rows.map(({ id, task, object_id, attempts, error }) => ({
      id: prefixed("evt", context.ids.next()),
      type,
      at: context.clock.now(),
      object_type: "task",
      object_id: id,
      object_version: attempts,
      data: { task, object_id, attempts, error, actor: context.actor.name },
    })),
    sql`EXISTS (SELECT 1 FROM work AS w WHERE w.id = row.value ->> 'object_id' AND ${condition})`,
  );
}
