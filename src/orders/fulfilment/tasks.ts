import { z } from "zod";
import type { Task, TaskOutcome } from "../../events/run-tasks.ts";
import { wakeUp } from "../../events/wake-up.ts";
import type { Context } from "../../platform/context.ts";
import { Operation } from "../../platform/idempotency.ts";
import { ORDER_STATUSES } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import type { RefundsPort } from "../payments-port.ts";
import { readOrder } from "../read/find.ts";
import { closeOrder } from "./close.ts";
import { ALL_THAT_IS_LEFT } from "./plan-shipment.ts";
import { restockSchema, sendRestock } from "./restock.ts";
import { shipOrder } from "./ship.ts";
import { NAMED_STEPS, transitionOrder } from "./transition.ts";

const stepSchema = z.object({ order_id: z.string(), from: z.enum(ORDER_STATUSES), to: z.enum(NAMED_STEPS) });

/**
 * Task `fulfilment-step`, payload `{order_id, from, to}`: takes the simulated next step of an order, whose batch adds the
 * task of the step after it. Does nothing where the order is not in `from` any more, since it went on or ended, and
 * where fulfilment is by hand since, so that people take the steps.
 */
export async function takeStep(context: Context, port: RefundsPort, task: Task): Promise<TaskOutcome> {
  const { order_id, from, to } = stepSchema.parse(task.payload);
  if (context.settings.FULFILMENT !== "simulated") return { kind: "done" };
  const order = await readOrder(context, order_id);
  if (!order) return { kind: "failed", error: `there is no order ${order_id}` };
  if (order.status !== from) return { kind: "done" };
  const command = { ...newCommand(context), to, note: SIMULATED, force: false };
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
      return shipBesidesRefunded(context, port, order);
    case "stale":
    case "contended":
      return movedOn(outcome);
  }
}

const SIMULATED = "simulated";

const newCommand = (context: Context) => ({ operation: new Operation(context.ids.next()), versions: null });

const movedOn = ({ kind }: { kind: "stale" | "contended" }): TaskOutcome => ({
  kind: "failed",
  error: `the order's version moved on (${kind})`,
});

/**
 * Ships what is left and was not refunded, and then closes the rest, as staff would. Each is a version of the order: if this
 * worker dies between the two, the task comes again, finds nothing more to ship, and closes. An order that was refunded before
 * anything of it left is a person's: there is nothing to ship.
 */
async function shipBesidesRefunded(context: Context, port: RefundsPort, order: Order): Promise<TaskOutcome> {
  const parcel = { tracking: null, carrier: null };
  const leaving = { ...newCommand(context), request: ALL_THAT_IS_LEFT, parcel, force: false };
  const shipped = await shipOrder(context, order, leaving);
  if (shipped.kind === "stale" || shipped.kind === "contended") return movedOn(shipped);
  if (shipped.kind === "changed") context.defer(wakeUp(context, shipped.tasks));

  const current = shipped.kind === "changed" ? shipped.order : order;
  // A refund that failed by now is promised again by the close, since its units do not leave.
  const closing = { ...newCommand(context), reason: SIMULATED, refund: true };
  const closed = await closeOrder(context, port, current, closing);
  if (closed.kind === "stale" || closed.kind === "contended") return movedOn(closed);
  if (closed.kind === "changed") context.defer(wakeUp(context, closed.tasks));
  return { kind: "done" };
}

/** Task `restock`: puts what came back with a return on hand, however often this comes. */
export async function restockReturn(context: Context, task: Task): Promise<TaskOutcome> {
  const fault = await sendRestock(context, restockSchema.parse(task.payload));
  return fault === null ? { kind: "done" } : { kind: "failed", error: fault };
}
