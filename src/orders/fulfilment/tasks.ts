import { z } from "zod";
import type { Task, TaskOutcome } from "../../events/run-tasks.ts";
import { wakeUp } from "../../events/wake-up.ts";
import type { Context } from "../../platform/context.ts";
import { Operation } from "../../platform/idempotency.ts";
import { ORDER_STATUSES } from "../lifecycle.ts";
import { readOrder } from "../read/find.ts";
import { restockSchema, sendRestock } from "./restock.ts";
import { NAMED_STEPS, transitionOrder } from "./transition.ts";

const stepSchema = z.object({ order_id: z.string(), from: z.enum(ORDER_STATUSES), to: z.enum(NAMED_STEPS) });

/**
 * Task `fulfilment-step`, payload `{order_id, from, to}`: takes the simulated next step of an order, whose batch adds the
 * task of the step after it. Does nothing where the order is not in `from` any more, since it went on or ended, and
 * where fulfilment is by hand since, so that people take the steps.
 */
export async function takeStep(context: Context, task: Task): Promise<TaskOutcome> {
  const { order_id, from, to } = stepSchema.parse(task.payload);
  if (context.settings.FULFILMENT !== "simulated") return { kind: "done" };
  const order = await readOrder(context, order_id);
  if (!order) return { kind: "failed", error: `there is no order ${order_id}` };
  if (order.status !== from) return { kind: "done" };
  const operation = new Operation(context.ids.next());
  const command = { operation, versions: null, to, note: "simulated", force: false };
  const outcome = await transitionOrder(context, order, command);
  switch (outcome.kind) {
    case "changed":
      context.defer(wakeUp(context, outcome.tasks));
      return { kind: "done" };
    case "illegal":
      // Where the status is another, the order went on between the read and the step.
      return outcome.status === from
        ? { kind: "failed", error: `${from} may not become ${to}` }
        : { kind: "done" };
    case "refunded":
      // A person says what becomes of it: the rest is shipped or closed by hand.
      return { kind: "done" };
    case "stale":
    case "contended":
      return { kind: "failed", error: `the order's version moved on (${outcome.kind})` };
  }
}

/** Task `restock`: puts what came back with a return on hand, however often this comes. */
export async function restockReturn(context: Context, task: Task): Promise<TaskOutcome> {
  const fault = await sendRestock(context, restockSchema.parse(task.payload));
  return fault === null ? { kind: "done" } : { kind: "failed", error: fault };
}
