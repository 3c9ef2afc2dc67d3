import type { Context } from "../../platform/context.ts";
import { runBatch, sql } from "../../platform/sql.ts";
import { findTask, mayBeGivenUp, taskEvents } from "./rows.ts";

export type DropOutcome = { kind: "dropped" | "not_found" | "not_dead" | "critical" };

const DEAD = sql`w.state = 'dead'`;

/** Gives up a dead task for good. Its event is what is left of it. */
export async function dropDeadLetter(context: Context, id: string): Promise<DropOutcome> {
  const row = await findTask(context, id);
  if (row === null) return { kind: "not_found" };
  if (!mayBeGivenUp(row)) return { kind: "critical" };
  const [, dropped] = await runBatch(context.env.DB, [
    taskEvents(context, "task.dropped", [row], DEAD),
    sql`DELETE FROM work AS w WHERE w.id = ${id} AND ${DEAD}`,
  ]);
  if (dropped === 1) return { kind: "dropped" };
  return { kind: (await findTask(context, id)) === null ? "not_found" : "not_dead" };
}
