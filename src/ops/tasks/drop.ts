import type { Context } from "../../platform/context.ts";
import { isCritical } from "./kinds.ts";
import { findTask, taskEvents } from "./rows.ts";

export type DropOutcome = { kind: "dropped" | "not_found" | "not_dead" | "critical" };

const DEAD = "w.state = 'dead'";

/** Gives up a dead task for good. Its event is what is left of it. */
export async function dropDeadLetter(context: Context, id: string): Promise<DropOutcome> {
  const row = await findTask(context, id);
  if (row === null) return { kind: "not_found" };
  if (isCritical(row.task)) return { kind: "critical" };
  const [, dropped] = await context.env.DB.batch([
    taskEvents(context, "task.dropped", [row], DEAD),
    context.env.DB.prepare(`DELETE FROM work AS w WHERE w.id = ?1 AND ${DEAD}`).bind(id),
  ]);
  if (dropped?.meta.changes === 1) return { kind: "dropped" };
  return { kind: (await findTask(context, id)) === null ? "not_found" : "not_dead" };
}
