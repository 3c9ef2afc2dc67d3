import type { Context } from "../../platform/context.ts";
import { isPaid, type OrderStatus } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import { type Changed, type Command, changeOrder, NOTHING_MORE } from "../steps/change.ts";
import { oweRefund } from "../steps/owe-refund.ts";
import { hasShipped, unitsLeft } from "../units.ts";
import { nextStep } from "./steps.ts";
import { writeAllocations } from "./write-allocations.ts";

export interface NotClosable {
  kind: "not_closable";
  status: OrderStatus;
}

export type CloseOutcome = Changed | NotClosable;

/**
 * Gives up the rest of a part-shipped order: the order becomes `shipped`, the rest is released, and refunded if it was
 * paid. The allocated quantity of each item falls to the shipped one; the ordered quantity stays, and the difference is
 * the closed one. An order that has shipped nothing is cancelled instead.
 */
export async function closeOrder(
  context: Context,
  order: Order,
  command: Command & { reason: string | null },
): Promise<CloseOutcome> {
  return changeOrder<NotClosable>(context, order, command, (current) => {
    const left = current.items
      .map((item) => ({ item, units: unitsLeft(item) }))
      .filter(({ units }) => units > 0);
    if (current.status !== "processing" || !hasShipped(current) || left.length === 0) {
      return { refusal: { kind: "not_closable", status: current.status } };
    }
    const amount = left.reduce((sum, { item, units }) => sum + item.unitPrice * units, 0);
    const refund = oweRefund(context, current, amount, command.reason ?? "what was left was closed");
    const items = current.items.map((item) => ({
      ...item,
      allocations: item.allocations.map((allocation) => ({ ...allocation, quantity: allocation.shipped })),
    }));
    return {
      reason: command.reason,
      step: {
        to: "shipped",
        event: "order.closed",
        data: {
          closed: left.map(({ item, units }) => ({ product_id: item.productId, quantity: units })),
          refund: isPaid(current.paymentStatus) ? amount : 0,
          currency: current.currency,
        },
        becomes: { ...refund.becomes, items },
        besides: (stamp) => [writeAllocations(current.id, items, stamp), ...refund.besides(stamp)],
        tasks: [...refund.tasks, ...nextStep(context, current, "shipped")],
      },
      made: NOTHING_MORE,
    };
  });
}
