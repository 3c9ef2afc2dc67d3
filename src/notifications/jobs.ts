import { z } from "zod";
import type { Task, TaskOutcome } from "../events/work.ts";
import type { Context } from "../platform/context.ts";
import { renderOrderConfirmation } from "./order-confirmation.ts";
import { readOrderForMail } from "./read-order.ts";
import { sendMail } from "./send-mail.ts";

const payloadSchema = z.object({ template: z.literal("order_confirmation"), order_id: z.string() });

/** Orders that died before their mail was sent get no confirmation. */
const DEAD = new Set(["rejected", "cancelled", "expired"]);

/** Sends the e-mail of an order that its work row names. */
export async function sendEmail(context: Context, task: Task): Promise<TaskOutcome> {
  const payload = payloadSchema.safeParse(task.payload);
  if (!payload.success) return { kind: "failed", error: `no such mail: ${z.prettifyError(payload.error)}` };
  const order = await readOrderForMail(context, payload.data.order_id);
  if (order === null || DEAD.has(order.status)) return { kind: "done" };
  return sendMail(context, task.id, await renderOrderConfirmation(order, context.settings.TIME_ZONE));
}
