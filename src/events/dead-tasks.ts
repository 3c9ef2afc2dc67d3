import type { Context } from "../platform/context.ts";
import { constant, each, type Sql, sql } from "../platform/sql.ts";
import { isCritical, TASK_NAMES } from "./tasks.ts";

/** Deaths that one minute tells of: more at once have one cause, and the next minute goes on. */
const MAX_DEATHS = 20;
/** Only deaths of this time are looked at, so that a minute costs nothing for what died long ago. */
const LOOK_BACK_MS = 24 * 3_600_000;

const DROPPABLE = TASK_NAMES.filter((task) => !isCritical(task));

/**
 * Adds a notice to `ADMIN_EMAIL` for each task that died and on which stock or money hangs: nobody else would see to it.
 * For the sweep, and not for the worker that marks the death, since that may die first. The notice is named after the task
 * and its death, so there is one for each.
 */
export function addDeathNotices({ clock, settings, requestId }: Context): Sql | undefined {
  if (settings.ADMIN_EMAIL === undefined) return undefined;
  const now = clock.now();
  return sql`
      INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, request_id, created_at)
      SELECT w.id || '-dead-' || w.finished_at, 'email', w.object_id,
        json_object('template', 'dead_task', 'task_id', w.id), 'owed', ${now}, 0, ${requestId}, ${now}
      FROM work AS w INDEXED BY work_dead
      WHERE w.state = 'dead' AND w.finished_at > ${now - LOOK_BACK_MS}
        AND w.task NOT IN (SELECT value FROM ${each(DROPPABLE)})
        AND NOT EXISTS (SELECT 1 FROM work AS told WHERE told.id = w.id || '-dead-' || w.finished_at)
      ORDER BY w.finished_at LIMIT ${constant(MAX_DEATHS)}`;
}
