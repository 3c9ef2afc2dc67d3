import type { Task, TaskOutcome } from "../events/run-tasks.ts";
import type { Context } from "../platform/context.ts";
import { EXPIRE_BATCH, expireOrders, findDue } from "./expire.ts";
import { readOrder } from "./find.ts";
import { sendFollow } from "./follow.ts";

/** Task `follow`: tells the Stock objects of an order what D1 says of it now, whenever this comes. */
export async function followOrder(context: Context, task: Task): Promise<TaskOutcome> {
  const order = await readOrder(context, task.objectId);
  if (!order) return { kind: "failed", error: `there is no order ${task.objectId}` };
  const told = await sendFollow(context, order);
  return told ? { kind: "done" } : { kind: "failed", error: "a Stock object did not answer" };
}

/** At most so many batches a run: what is left is the next minute's. */
const MAX_BATCHES = 25;

/** Expires what waited too long for its payment. Each minute. Returns how many. */
export async function expireUnpaid(context: Context): Promise<number> {
  let expired = 0;
  for (let batches = 0; batches < MAX_BATCHES; batches++) {
    const due = await findDue(context);
    if (due.length > 0) expired += await expireOrders(context, due);
    if (due.length < EXPIRE_BATCH) break;
  }
  return expired;
}
