import { z } from "zod";
import type { TaskHandler } from "../events/run-tasks.ts";
import { isLiving } from "../orders/lifecycle.ts";
import type { Context } from "../platform/context.ts";
import { gathered } from "../platform/gathered.ts";
import { composeDeadTask } from "./dead-task.ts";
import { composeDelayedOrders } from "./delayed-orders.ts";
import { keepMails, type SentMail } from "./keep-mails.ts";
import { composeLowStock } from "./low-stock.ts";
import { type Notice, renderNotice } from "./mail.ts";
import { readOrdersForMail, renderOrderConfirmation } from "./order-confirmation.ts";
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

/**
 * Sends the e-mails of one batch of tasks: an order's confirmation to its buyer, or a notice to `ADMIN_EMAIL`. Each is a task
 * of its own, and they share the calls by which orders are read and sent mails are kept.
 */
export function emailSender(context: Context): TaskHandler {
  const read = gathered((orderIds: string[]) => readOrdersForMail(context, orderIds));
  const keep = gathered((mails: SentMail[]) => keepMails(context, mails));
  return async (own, task) => {
    const payload = payloadSchema.safeParse(task.payload);
    if (!payload.success) return { kind: "failed", error: `no such mail: ${z.prettifyError(payload.error)}` };
    switch (payload.data.template) {
      case "order_confirmation": {
        const { order_id: orderId } = payload.data;
        const order = (await read(orderId)).get(orderId);
        // One that is dead by then gets no confirmation.
        if (order === undefined || !isLiving(order.status)) return { kind: "done" };
        const mail = await renderOrderConfirmation(order, own.settings.TIME_ZONE);
        return sendMail(own, keep, task.id, mail);
      }
      default: {
        const { ADMIN_EMAIL } = own.settings;
        // The setting was removed after the task was written.
        if (ADMIN_EMAIL === undefined) return { kind: "done" };
        const notice = await composeNotice(own, payload.data);
        return sendMail(own, keep, task.id, await renderNotice(notice, ADMIN_EMAIL));
      }
    }
  };
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
