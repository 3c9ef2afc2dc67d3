import { type NewTask, newTask } from "../../events/append.ts";
import type { Context } from "../../platform/context.ts";
import type { OrderStatus, Priority } from "../lifecycle.ts";
import type { Order } from "../order.ts";

/** What simulated fulfilment does with an order next. */
export const NEXT_STEP: Partial<Record<OrderStatus, "processing" | "shipped" | "delivered">> = {
  confirmed: "processing",
  processing: "shipped",
  shipped: "delivered",
};

/** How long a step takes, as a multiple of `FULFILMENT_STEP_SECONDS`. */
const PACE: Record<Priority, number> = { high: 0.5, normal: 1, low: 2 };

/**
 * The task that the batch adds by which an order enters `status`: under simulated fulfilment the next step, to be woken
 * after the answer; under manual fulfilment none. Every step adds it, also a person's, so that a simulated order goes on after that.
 */
export function nextStep(
  context: Context,
  order: Pick<Order, "id" | "priority">,
  status: OrderStatus,
): NewTask[] {
  const to = NEXT_STEP[status];
  if (context.settings.FULFILMENT !== "simulated" || to === undefined) return [];
  const waitMs = Math.round(context.settings.FULFILMENT_STEP_SECONDS * 1_000 * PACE[order.priority]);
  const payload = { order_id: order.id, from: status, to };
  const notBefore = context.clock.now() + waitMs;
  return [newTask(context, "fulfilment-step", order.id, payload, { notBefore })];
}

/** For the batch that makes an order `confirmed`. */
export const firstStep = (context: Context, order: Pick<Order, "id" | "priority">): NewTask[] =>
  nextStep(context, order, "confirmed");
