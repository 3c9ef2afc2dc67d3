import type { Task, TaskOutcome } from "../../events/run-tasks.ts";
import { project } from "../../inventory/projection/projection.ts";
import type { Context } from "../../platform/context.ts";
import { runBatch } from "../../platform/sql.ts";
import { readOrder } from "../read/find.ts";
import { sendFollowAndCarry } from "./follow.ts";

/**
 * Task `follow`: tells the Stock objects of an order what D1 says of it now, whenever this comes, and the projection what
 * levels that leaves.
 */
export async function followOrder(context: Context, task: Task): Promise<TaskOutcome> {
  const order = await readOrder(context, task.objectId);
  if (!order) return { kind: "failed", error: `there is no order ${task.objectId}` };
  const { all, carried } = await sendFollowAndCarry(context, order);
  const statements = project(carried, context.clock.now());
  if (statements.length > 0) await runBatch(context.env.DB, statements);
  return all ? { kind: "done" } : { kind: "failed", error: "a Stock object did not answer" };
}
