import type { Task, TaskOutcome } from "../../events/run-tasks.ts";
import type { Context } from "../../platform/context.ts";
import { readOrder } from "../read/find.ts";
import { sendFollow } from "./follow.ts";

/** Task `follow`: tells the Stock objects of an order what D1 says of it now, whenever this comes. */
export async function followOrder(context: Context, task: Task): Promise<TaskOutcome> {
  const order = await readOrder(context, task.objectId);
  if (!order) return { kind: "failed", error: `there is no order ${task.objectId}` };
  const told = await sendFollow(context, order);
  return told ? { kind: "done" } : { kind: "failed", error: "a Stock object did not answer" };
}
