import type { Context } from "../../platform/context.ts";
import { runBatch, sql } from "../../platform/sql.ts";
import { findTask, mayBeDropped, type TaskRow, taskEvents } from "./rows.ts";

export type DropOutcome = { kind: "dropped" | "not_found" | "not_dead" | "critical" };

const DEAD = sql`w.state = 'dead'`;

/** Deletes a dead task. Only its event is left of it. */
export async function dropDeadLetter(context: Context, id: string): Promise<DropOutcome> {
  const row = await findTask(context, id);
  if (row === null) return { kind: "not_found" };
  if (!mayBeDropped(row)) return { kind: "critical" };
  const [, dropped] = await runBatch(context.env.DB, [
    taskEvents(context, "task.dropped", [row], DEAD),
    sql`DELETE FROM work AS w WHERE w.id = ${id} AND ${DEAD}`,
  ]);
  if (dropped === 1) return { kind: "dropped" };
  return { kind: (await findTask(context, id)) === null ? "not_found" : "not_dead" };
}

export type RevokeOutcome = { kind: "revoked" | "not_found" | "begun" | "done" | "dead" | "critical" };

/** Taking the lease counts an attempt in the same statement, so either the worker or whoever revokes the task gets it. */
const NOT_BEGUN = sql`w.state = 'owed' AND w.attempts = 0 AND w.lease IS NULL`;

/** Deletes a task that nobody has begun. Only its event is left of it. */
export async function revokeTask(context: Context, id: string): Promise<RevokeOutcome> {
  const row = await findTask(context, id);
  if (row === null) return { kind: "not_found" };
  if (!mayBeDropped(row)) return { kind: "critical" };
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
