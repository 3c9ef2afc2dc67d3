import type { Context } from "../../platform/context.ts";
import type { OrderStatus } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import type { RefundsPort } from "../payments-port.ts";
import { type DueBack, dueBack, goneUnits } from "../refund-due.ts";
import type { RefundWire } from "../schemas.ts";
import { type Changed, type Command, changeOrder } from "../steps/change.ts";
import { hasShipped, unitsLeft } from "../units.ts";
import { returnedUnits } from "./read.ts";
import { nextStep } from "./steps.ts";
import { writeAllocations } from "./write-allocations.ts";

export interface NotClosable {
  kind: "not_closable";
  status: OrderStatus;
}

export type CloseOutcome = Changed<RefundWire[]> | NotClosable;

/**
 * Gives up the rest of a part-shipped order: the order becomes `shipped`, the rest is released, and what is due for it goes
 * back unless nothing is to. The allocated quantity of each item falls to the shipped one; the ordered quantity stays, and
 * the difference is the closed one. An order that has shipped nothing is cancelled instead.
 */
export async function closeOrder(
  context: Context,
  { oweRefund }: RefundsPort,
  order: Order,
  command: Command<RefundWire[]> & { reason: string | null; refund: boolean },
): Promise<CloseOutcome> {
  const { reason, operation } = command;
  return changeOrder<NotClosable, RefundWire[]>(context, order, command, async (current) => {
    const left = current.items
      .map((item) => ({ item, units: unitsLeft(item) }))
      .filter(({ units }) => units > 0);
    if (current.status !== "processing" || !hasShipped(current) || left.length === 0) {
      return { refusal: { kind: "not_closable", status: current.status } };
    }
    const closing = new Map(left.map(({ item, units }) => [item.productId, units]));
    const owed = await oweRefund(context, current, {
      operation: operation.id,
      due: command.refund ? await dueFor(context, current, closing) : { amount: 0, items: [] },
      reason: reason ?? "what was left was closed",
    });
    const { refunds, step } = owed;
    const items = current.items.map((item) => ({
      ...item,
      allocations: item.allocations.map((allocation) => ({ ...allocation, quantity: allocation.shipped })),
    }));
    return {
      reason,
      step: {
        ...step,
        to: "shipped",
        kind: "close",
        event: "order.closed",
        data: {
          closed: left.map(({ item, units }) => ({ product_id: item.productId, quantity: units })),
          refund: (step.becomes.refunded ?? current.refunded) - current.refunded,
          refund_ids: refunds.map(({ id }) => id),
          currency: current.currency,
        },
        becomes: { ...step.becomes, items },
        besides: (stamp) => [writeAllocations(current.id, items, stamp), ...step.besides(stamp)],
        tasks: [...step.tasks, ...nextStep(context, current, "shipped")],
      },
      made: () => refunds,
    };
  });
}

/** What came back is asked for only where somebody has paid. */
async function dueFor(context: Context, order: Order, closing: Map<string, number>): Promise<DueBack> {
  const returned = order.captured > 0 ? await returnedUnits(context, order) : new Map<string, number>();
  return dueBack(order, goneUnits(order, returned), closing);
}
