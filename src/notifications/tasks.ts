import { z } from "zod";
import type { Task, TaskHandler, TaskOutcome } from "../events/run-tasks.ts";
import type { Context } from "../platform/context.ts";
import { gathered } from "../platform/gathered.ts";
import { isErased } from "../platform/text/email.ts";
import { accountMailSchemas, composeAccountMail } from "./account-letter.ts";
import { askedLinkSchema, findAsked } from "./asked-link.ts";
import { composeDeadTask } from "./dead-task.ts";
import { composeDelayedOrders } from "./delayed-orders.ts";
import { keepMails, type SentMail } from "./keep-mails.ts";
import { composeLowStock } from "./low-stock.ts";
import { type Notice, renderNotice } from "./mail.ts";
import { isStillTrue, type OrderMail, orderMailSchemas, renderOrderMail } from "./order-letter.ts";
import { orderLink } from "./order-link.ts";
import { readOrdersForMail } from "./read-orders.ts";
import { sendMail } from "./send-mail.ts";

/** The payload of a notice: its text, or the ids of what it is about. */
export const noticeSchema = z.discriminatedUnion("template", [
  z.object({ template: z.literal("notice"), subject: z.string(), lines: z.array(z.string()) }),
  z.object({ template: z.literal("delayed_orders"), order_ids: z.array(z.string()) }),
  z.object({ template: z.literal("dead_task"), task_id: z.string() }),
  z.object({ template: z.literal("low_stock"), products: z.int(), product_ids: z.array(z.string()) }),
]);

const payloadSchema = z.discriminatedUnion("template", [
  ...orderMailSchemas,
  ...accountMailSchemas,
  askedLinkSchema,
  noticeSchema,
]);

/**
 * Sends the e-mails of one batch of tasks: what a customer is told of an order or an account, or a notice to `ADMIN_EMAIL`. Each is a task
 * of its own, and they share the calls by which orders are read and sent mails are kept.
 */
export function emailSender(context: Context): TaskHandler {
  const read = gathered((orderIds: string[]) => readOrdersForMail(context, orderIds));
  const keep = gathered((mails: SentMail[]) => keepMails(context, mails));
  const sendAbout = async (
    own: Context,
    task: Task,
    orderId: string,
    payload: OrderMail,
  ): Promise<TaskOutcome> => {
    const order = (await read(orderId)).get(orderId);
    if (order === undefined || !isStillTrue(order.status, payload.template)) return { kind: "done" };
    const link = await orderLink(own, orderId);
    const mail = await renderOrderMail(order, payload, { timeZone: own.settings.TIME_ZONE, link });
    return isErased(mail.to) ? { kind: "done" } : sendMail(own, keep, task.id, mail);
  };
  return async (own, task) => {
    const payload = payloadSchema.safeParse(task.payload);
    if (!payload.success) return { kind: "failed", error: `no such mail: ${z.prettifyError(payload.error)}` };
    switch (payload.data.template) {
      case "order_confirmation":
      case "order_paid":
      case "order_shipped":
      case "order_cancelled":
      case "order_expired":
      case "order_refunded":
        return sendAbout(own, task, payload.data.order_id, payload.data);
      case "order_link": {
        const orderId = await findAsked(own, payload.data);
        return orderId === null
          ? { kind: "done" }
          : sendAbout(own, task, orderId, { template: "order_link" });
      }
      case "sign_in_tries":
      case "password_reset":
      case "verify_email": {
        const mail = await composeAccountMail(own, payload.data);
        return mail === null ? { kind: "done" } : sendMail(own, keep, task.id, mail);
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
