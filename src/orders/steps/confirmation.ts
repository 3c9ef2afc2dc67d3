import { type NewTask, newTask } from "../../events/append.ts";
import type { Context } from "../../platform/context.ts";
import { firstStep } from "../fulfilment/steps.ts";
import type { Order } from "../order.ts";

/** The tasks of an order that becomes confirmed, whether it was placed so or paid later. */
export function tasksOnConfirmation(context: Context, order: Pick<Order, "id" | "priority">): NewTask[] {
  const confirmation = { template: "order_confirmation", order_id: order.id };
  return [newTask(context, "email", order.id, confirmation), ...firstStep(context, order)];
}
