import { Commit } from "../../events/commit.ts";
import type { Context } from "../../platform/context.ts";
import { type Sql, sql } from "../../platform/sql.ts";
import { findTask, mayBeDropped, type TaskRow, taskEvents } from "./rows.ts";

export type DropOutcome = { kind: "dropped" | "not_found" | "not_dead" | "critical" };

/** Deletes a dead task. */
export async function dropDeadLetter(context: Context, id: string): Promise<DropOutcome> {
  const kind = await deleteTask(context, id, "task.dropped", sql`w.state = 'dead'`);
  if (kind === "deleted") return { kind: "dropped" };
  return { kind: kind === "not_found" || kind === "critical" ? kind : "not_dead" };
}

export type RevokeOutcome = { kind: "revoked" | "not_found" | "begun" | "done" | "dead" | "critical" };

/** Taking the lease counts an attempt in the same statement, so either the worker or whoever revokes the task gets it. */
const NOT_BEGUN = sql`w.state = 'owed' AND w.attempts = 0 AND w.lease IS NULL`;

/** Deletes a task that nobody has begun. */
export async function revokeTask(context: Context, id: string): Promise<RevokeOutcome> {
  const kind = await deleteTask(context, id, "task.revoked", NOT_BEGUN);
  if (kind === "deleted") return { kind: "revoked" };
  return { kind: kind === "owed" ? "begun" : kind };
}

/** Deletes a task that meets the condition; only its event is left of it. Returns the task's state if it does not. */
async function deleteTask(
  context: Context,
  id: string,
  event: "task.dropped" | "task.revoked",
  condition: Sql,
): Promise<"deleted" | "not_found" | "critical" | TaskRow["state"]> {
  const row = await findTask(context, id);
  if (row === null) return "not_found";
  if (!mayBeDropped(row)) return "critical";
  const commit = new Commit(context);
  taskEvents(context, commit, event, [row], condition);
  const deleted = commit.win(sql`DELETE FROM work AS w WHERE w.id = ${id} AND ${condition} RETURNING id`);
  if ((await commit.send()).first(deleted) !== null) return "deleted";
  return (await findTask(context, id))?.state ?? "not_found";
}
