import { z } from "zod";
import type { Task, TaskOutcome } from "../events/run-tasks.ts";
import { isLiving } from "../orders/lifecycle.ts";
import type { Context } from "../platform/context.ts";
import { composeDeadTask } from "./dead-task.ts";
import { composeDelayedOrders } from "./delayed-orders.ts";
import { composeLowStock } from "./low-stock.ts";
import { type Notice, renderNotice } from "./mail.ts";
import { readOrderForMail, renderOrderConfirmation } from "./order-confirmation.ts";
import { sendMail } from "./send-mail.ts";

/** The payload of a notice: its text, or the ids of what it is about. */
export const noticeSchema = z.discriminatedUnion("template", [
  z.object({ template: z.literal("notice"), subject: z.string(), lines: z.array(z.string()) }),
  z.object({ template: z.literal("delayed_orders"), order_ids: z.array(z.string()) }),
  z.object({ template: z.literal("dead_task"), task_id: z.string() }),
  z.object({ template: z.literal("low_stock"), products: z.int(), product_ids: z.array(z.string()) }),
]);

const payloadSchema = z.discriminatedUnion("template", [
  z.object({ template: z.literal("order_confirmation"), order_id: z.string() }),
  noticeSchema,
]);

/** Sends the e-mail of a task: an order's confirmation to its buyer, or a notice to `ADMIN_EMAIL`. */
export async function sendEmail(context: Context, task: Task): Promise<TaskOutcome> {
  const payload = payloadSchema.safeParse(task.payload);
  if (!payload.success) return { kind: "failed", error: `no such mail: ${z.prettifyError(payload.error)}` };
  switch (payload.data.template) {
    case "order_confirmation": {
      const order = await readOrderForMail(context, payload.data.order_id);
      // One that is dead by then gets no confirmation.
      if (order === null || !isLiving(order.status)) return { kind: "done" };
      const mail = await renderOrderConfirmation(order, context.settings.TIME_ZONE);
      return sendMail(context, task.id, mail);
    }
    default: {
      const { ADMIN_EMAIL } = context.settings;
      // The setting was removed after the task was written.
      if (ADMIN_EMAIL === undefined) return { kind: "done" };
      const notice = await composeNotice(context, payload.data);
      return sendMail(context, task.id, await renderNotice(notice, ADMIN_EMAIL));
    }
  }
}

export async function composeNotice(
  context: Context,
  payload: z.infer<typeof noticeSchema>,
): Promise<Notice> {
  switch (payload.template) {
    case "notice":
      return payload;
    case "delayed_orders":
      return composeDelayedOrders(context, payload.order_ids);
    case "dead_task":
      return composeDeadTask(context, payload.task_id);
    case "low_stock":
      return composeLowStock(context, payload);
  }
}
