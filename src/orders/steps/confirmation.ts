import type { NewTask } from "../../events/append.ts";
import type { Context } from "../../platform/context.ts";
import { firstStep } from "../fulfilment/steps.ts";
import type { Order } from "../order.ts";
import { isMailed, mailTask } from "./mails.ts";

type Confirmed = Pick<Order, "id" | "priority">;

/** The tasks of an order that becomes confirmed as it is placed, or by approval. */
export const tasksOnConfirmation = (context: Context, order: Confirmed): NewTask[] => [
  ...mailTask(context, order.id, { template: "order_confirmation" }),
  ...firstStep(context, order),
];

/** The same of one that becomes so by its payment: one mail says both. */
export const tasksOnPayment = (context: Context, order: Confirmed): NewTask[] => [
  ...mailTask(context, order.id, {
    template: isMailed(context, "order_paid") ? "order_paid" : "order_confirmation",
  }),
  ...firstStep(context, order),
];
