import { markTasksDone } from "../../events/mark.ts";
import { wakeUp } from "../../events/wake-up.ts";
import type { Context } from "../../platform/context.ts";
import { sendFollow } from "./follow.ts";
import { followOf, type Moved } from "./move.ts";

/**
 * Tells Stock of a step that concerns it before it is answered, and marks the `follow` that the step added as done after the answer. If
 * this worker dies anywhere in here, that task tells Stock, or the holds ask.
 */
export async function tellStock(context: Context, moved: Moved): Promise<void> {
  const tasks = followOf(moved);
  if (tasks.length === 0) return;
  const told = await sendFollow(context, moved.order);
  const ids = tasks.map(({ id }) => id);
  context.defer(told ? markTasksDone(context, ids) : wakeUp(context, tasks));
}
