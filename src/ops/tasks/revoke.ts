import type { Context } from "../../platform/context.ts";
import { runBatch, sql } from "../../platform/sql.ts";
import { findTask, mayBeGivenUp, type TaskRow, taskEvents } from "./rows.ts";

export type RevokeOutcome = { kind: "revoked" | "not_found" | "begun" | "done" | "dead" | "critical" };

/** A lease counts the attempt as it takes the row: of a worker and who revokes, one has it. */
const NOT_BEGUN = sql`w.state = 'owed' AND w.attempts = 0 AND w.lease IS NULL`;

/** Takes back a task that nobody has begun. Its event is what is left of it. */
export async function revokeTask(context: Context, id: string): Promise<RevokeOutcome> {
  const row = await findTask(context, id);
  if (row === null) return { kind: "not_found" };
  if (!mayBeGivenUp(row)) return { kind: "critical" };
  const [, revoked] = await runBatch(context.env.DB, [
    taskEvents(context, "task.revoked", [row], NOT_BEGUN),
    sql`DELETE FROM work AS w WHERE w.id = ${id} AND ${NOT_BEGUN}`,
  ]);
  if (revoked === 1) return { kind: "revoked" };
  const standing = await findTask(context, id);
  return { kind: standing === null ? "not_found" : BECAME[standing.state] };
}

const BECAME: Record<TaskRow["state"], "begun" | "done" | "dead"> = {
  owed: "begun",
  done: "done",
  dead: "dead",
};
