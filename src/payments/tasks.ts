import { z } from "zod";
import type { Task, TaskOutcome } from "../events/run-tasks.ts";
import type { Context } from "../platform/context.ts";
import { endPayments } from "./end-payments.ts";
import type { CancellerOf, RefunderOf } from "./provider.ts";
import { providerOf } from "./providers.ts";
import { refundOrder, sendRefund } from "./send-refund.ts";
import { settleEvent } from "./settle-event.ts";

const eventSchema = z.object({ provider: z.string(), event_id: z.string() });

/** Task `payment-event`, payload `{provider, event_id}`: works off an event of a provider. */
export async function settlePaymentEvent(context: Context, task: Task): Promise<TaskOutcome> {
  const payload = eventSchema.safeParse(task.payload);
  if (!payload.success) return { kind: "failed", error: `no such event: ${z.prettifyError(payload.error)}` };
  return settleEvent(context, task, payload.data.provider, payload.data.event_id);
}

const refundSchema = z.union([
  z.object({ refund_id: z.string() }),
  z.object({
    order_id: z.string(),
    amount: z.int().min(0).nullable(),
    reason: z.string().nullable(),
  }),
]);

/**
 * Task `refund`. With the payload `{refund_id}` it sends a refund that was promised. With `{order_id, amount, reason}`
 * (`amount` in minor units, null for all that is left) it promises refunds of the order's payments first.
 */
export const payRefundBy =
  (refunderOf: RefunderOf) =>
  async (context: Context, task: Task): Promise<TaskOutcome> => {
    const payload = refundSchema.safeParse(task.payload);
    if (!payload.success)
      return { kind: "failed", error: `no such refund: ${z.prettifyError(payload.error)}` };
    if ("refund_id" in payload.data) return sendRefund(context, refunderOf, payload.data.refund_id);
    const { order_id: orderId, amount, reason } = payload.data;
    return refundOrder(context, refunderOf, task, { orderId, amount, reason });
  };

export const payRefund = payRefundBy(providerOf);

/** Task `end-payments`: ends the open payments of a dead order. */
export const endPaymentsBy =
  (cancellerOf: CancellerOf) =>
  (context: Context, task: Task): Promise<TaskOutcome> =>
    endPayments(context, cancellerOf, task);

export const endOpenPayments = endPaymentsBy(providerOf);
