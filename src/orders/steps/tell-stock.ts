import { tasksDone } from "../../events/mark.ts";
import { wakeUp } from "../../events/wake-up.ts";
import { project } from "../../inventory/projection/projection.ts";
import type { Context } from "../../platform/context.ts";
import { runBatch } from "../../platform/sql.ts";
import { sendFollowAndCarry } from "./follow.ts";
import { followOf, type Moved } from "./move.ts";

/**
 * Tells Stock of a step that concerns it before it is answered. After the answer one batch writes the levels that this
 * left into the projection, and marks the `follow` that the step added as done. If this worker dies anywhere in here, that
 * task tells Stock and the projection, or the holds ask.
 */
export async function tellStock(context: Context, moved: Moved): Promise<void> {
  const tasks = followOf(moved);
  if (tasks.length === 0) return;
  const told = await sendFollowAndCarry(context, moved.order);
  if (!told.all) {
    // The task asks every object again, so nothing is lost of what some have answered.
    context.defer(wakeUp(context, tasks));
    return;
  }
  const done = tasksDone(
    context,
    tasks.map(({ id }) => id),
  );
  context.defer(runBatch(context.env.DB, [...project(told.carried, context.clock.now()), done]));
}
