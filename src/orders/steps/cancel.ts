import type { Context } from "../../platform/context.ts";
import { mayBecome, type OrderStatus } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import { hasShipped } from "../units.ts";
import { type Changed, type Command, changeOrder, NOTHING_MORE } from "./change.ts";
import { oweRefund } from "./owe-refund.ts";

/** It is too late, or another command cancelled it before. */
export interface NotCancellable {
  kind: "not_cancellable";
  status: OrderStatus;
  /** A part of it has left, and the rest could be closed. */
  partShipped: boolean;
}

export type CancelOutcome = Changed | NotCancellable;

/**
 * Cancels an order that has shipped nothing, and frees its stock before it answers. The batch that
 * cancels a paid order also adds the task that refunds it.
 */
export async function cancelOrder(
  context: Context,
  order: Order,
  command: Command & { reason: string | null },
): Promise<CancelOutcome> {
  const { reason } = command;
  return changeOrder<NotCancellable>(context, order, command, (current) => {
    const { status } = current;
    const isOpen = mayBecome(status, "cancelled");
    if (!isOpen || hasShipped(current)) {
      return { refusal: { kind: "not_cancellable", status, partShipped: isOpen } };
    }
    const refund = oweRefund(context, current, null, reason ?? "the order was cancelled");
    const step = { to: "cancelled" as const, event: "order.cancelled", ...refund };
    return { reason, step, made: NOTHING_MORE };
  });
}
