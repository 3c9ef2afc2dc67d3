import type { NewTask } from "../events/append.ts";
import type { Context } from "../platform/context.ts";
import { prefixed } from "../platform/ids.ts";
import { firstStep } from "./fulfilment/steps.ts";
import type { Order } from "./order.ts";

/** The tasks of an order that becomes confirmed, whether it was placed so or paid later. */
export function tasksOnConfirmation(context: Context, order: Pick<Order, "id" | "priority">): NewTask[] {
  const now = context.clock.now();
  return [
    {
      id: prefixed("wrk", context.ids.next()),
      task: "email",
      object_id: order.id,
      payload: { template: "order_confirmation", order_id: order.id },
      at: now,
      not_before: now,
      request_id: context.requestId,
    },
    ...firstStep(context, order),
  ];
}
