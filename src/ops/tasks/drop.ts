import type { TaskName } from "../../events/append.ts";
import { isTaskName } from "../../events/work.ts";
import type { Context } from "../../platform/context.ts";
import { UNDELIVERED } from "../keep-undelivered.ts";
import { findTask, type TaskRow, taskEvents } from "./rows.ts";

interface TaskKind {
  /** Stock or money hangs on it: it may be tried again, but neither dropped nor revoked (DESIGN.md section 4). */
  critical: boolean;
}

/**
 * A step of the fulfilment moves nothing itself: an order too long in one is sent another, and people can take it by
 * hand. A walk over the stock that is given up is begun again the next night. Of what an order is paid after its end,
 * all goes back, whether or not its payments were ended before.
 */
const KINDS: Record<TaskName, TaskKind> = {
  email: { critical: false },
  "end-payments": { critical: false },
  follow: { critical: true },
  "fulfilment-step": { critical: false },
  "payment-event": { critical: true },
  reconcile: { critical: false },
  refund: { critical: true },
  restock: { critical: true },
};

/** What another version of Holdfast owed may be anything, and so counts as critical. */
function isCritical(task: string): boolean {
  if (task === UNDELIVERED) return false;
  return !isTaskName(task) || KINDS[task].critical;
}

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

export type RevokeOutcome = { kind: "revoked" | "not_found" | "begun" | "done" | "dead" | "critical" };

/** A lease counts the attempt as it takes the row: of a worker and who revokes, one has it. */
const NOT_BEGUN = "w.state = 'owed' AND w.attempts = 0 AND w.lease IS NULL";

/** Takes back a task that nobody has begun. Its event is what is left of it. */
export async function revokeTask(context: Context, id: string): Promise<RevokeOutcome> {
  const row = await findTask(context, id);
  if (row === null) return { kind: "not_found" };
  if (isCritical(row.task)) return { kind: "critical" };
  const [, revoked] = await context.env.DB.batch([
    taskEvents(context, "task.revoked", [row], NOT_BEGUN),
    context.env.DB.prepare(`DELETE FROM work AS w WHERE w.id = ?1 AND ${NOT_BEGUN}`).bind(id),
  ]);
  if (revoked?.meta.changes === 1) return { kind: "revoked" };
  const standing = await findTask(context, id);
  return { kind: standing === null ? "not_found" : BECAME[standing.state] };
}

const BECAME: Record<TaskRow["state"], "begun" | "done" | "dead"> = {
  owed: "begun",
  done: "done",
  dead: "dead",
};
