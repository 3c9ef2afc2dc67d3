import type { Context } from "../../platform/context.ts";
import { mayBecome, type OrderStatus } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import type { RefundsPort } from "../payments-port.ts";
import { allBack } from "../refund-due.ts";
import type { RefundWire } from "../schemas.ts";
import { hasShipped } from "../units.ts";
import { type Changed, type Command, changeOrder } from "./change.ts";
import { mailTask } from "./mails.ts";

/** It is too late, or another command cancelled it before. */
export interface NotCancellable {
  kind: "not_cancellable";
  status: OrderStatus;
  /** A part of it has left, and the rest could be closed. */
  partShipped: boolean;
}

export type CancelOutcome = Changed<RefundWire[]> | NotCancellable;

/**
 * Cancels an order that has shipped nothing, and frees its stock before it answers. The batch that cancels a paid order
 * also promises back all that is left of its money, and owes the task that sends it.
 */
export async function cancelOrder(
  context: Context,
  { oweRefund }: RefundsPort,
  order: Order,
  command: Command<RefundWire[]> & { reason: string | null },
): Promise<CancelOutcome> {
  const { reason, operation } = command;
  return changeOrder<NotCancellable, RefundWire[]>(context, order, command, async (current) => {
    const { status } = current;
    const isOpen = mayBecome(status, "cancelled");
    if (!isOpen || hasShipped(current)) {
      return { refusal: { kind: "not_cancellable", status, partShipped: isOpen } };
    }
    const { refunds, step } = await oweRefund(context, current, {
      ...{ operation: operation.id, due: allBack(current) },
      reason: reason ?? "the order was cancelled",
    });
    return {
      reason,
      step: {
        to: "cancelled",
        event: "order.cancelled",
        data: { refund_ids: refunds.map(({ id }) => id) },
        ...step,
        tasks: [...step.tasks, ...mailTask(context, current.id, { template: "order_cancelled" })],
      },
      made: () => refunds,
    };
  });
}
