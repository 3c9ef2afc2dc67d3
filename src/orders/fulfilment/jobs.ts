import type { Task, TaskOutcome } from "../../events/work.ts";
import type { Context } from "../../platform/context.ts";

/** Task `fulfilment-step`, payload `{order_id, from, to}`: the simulated next step of an order's life. */
export async function takeStep(_context: Context, _task: Task): Promise<TaskOutcome> {
  return { kind: "failed", error: "not built yet" };
}
