import { markTasksDone } from "../../events/run-tasks.ts";
import { wakeUp } from "../../events/wake-up.ts";
import type { Context } from "../../platform/context.ts";
import { sendFollow } from "./follow.ts";
import type { Moved } from "./move.ts";

/**
 * Tells Stock of a step before it is answered, and marks the `follow` that the step added as done after the answer. If
 * this worker dies anywhere in here, that task tells Stock, or the holds ask.
 */
export async function tellStock(context: Context, moved: Moved): Promise<void> {
  const told = await sendFollow(context, moved.order);
  const work = { id: moved.followTaskId, task: "follow" as const };
  context.defer(told ? markTasksDone(context, [work.id]) : wakeUp(context, [work]));
}
