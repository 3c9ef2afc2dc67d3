import { z } from "zod";
import type { Task, TaskOutcome } from "../events/work.ts";
import type { Context } from "../platform/context.ts";
import { composeNotice, noticeSchema } from "./compose-notice.ts";
import { renderNotice } from "./mail.ts";
import { readOrderForMail, renderOrderConfirmation } from "./order-confirmation.ts";
import { sendMail } from "./send-mail.ts";

const payloadSchema = z.discriminatedUnion("template", [
  z.object({ template: z.literal("order_confirmation"), order_id: z.string() }),
  noticeSchema,
]);

/** Orders that died before their mail was sent get no confirmation. */
const DEAD = new Set(["rejected", "cancelled", "expired"]);

/** Sends the e-mail that a work row asks for: an order's to its buyer, a notice to `ADMIN_EMAIL`. */
export async function sendEmail(context: Context, task: Task): Promise<TaskOutcome> {
  const payload = payloadSchema.safeParse(task.payload);
  if (!payload.success) return { kind: "failed", error: `no such mail: ${z.prettifyError(payload.error)}` };
  switch (payload.data.template) {
    case "order_confirmation": {
      const order = await readOrderForMail(context, payload.data.order_id);
      if (order === null || DEAD.has(order.status)) return { kind: "done" };
      const mail = await renderOrderConfirmation(order, context.settings.TIME_ZONE);
      return sendMail(context, task.id, mail);
    }
    case "notice":
    case "low_stock": {
      const { ADMIN_EMAIL } = context.settings;
      // Nobody is there to be told any more.
      if (ADMIN_EMAIL === undefined) return { kind: "done" };
      const notice = await composeNotice(context, payload.data);
      return sendMail(context, task.id, await renderNotice(notice, ADMIN_EMAIL));
    }
  }
}
