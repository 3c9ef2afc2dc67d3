import { newTask } from "../../events/append.ts";
import type { Context } from "../../platform/context.ts";
import { sql } from "../../platform/sql.ts";
import { isPaid } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import type { Step } from "./move.ts";

/**
 * The parts of a step that make a refund of the order due, with the task that sends it. None when nobody has paid. The
 * step's version is the guard: each payment and refund makes a new version of its order, so what was read here still
 * holds where the step wins.
 * @param amount minor units of the order's currency; null for all that was paid and is not back yet
 */
export function oweRefund(
  context: Context,
  order: Order,
  amount: number | null,
  reason: string | null,
): Required<Pick<Step, "besides" | "becomes" | "tasks">> {
  if (!isPaid(order.paymentStatus) || amount === 0) return { besides: () => [], becomes: {}, tasks: [] };
  const refund = newTask(context, "refund", order.id, { order_id: order.id, amount, reason });
  const makeDue = (stamp: string) =>
    sql`UPDATE orders SET payment_status = 'refund_due' WHERE id = ${order.id} AND stamp = ${stamp}`;
  return { besides: (stamp) => [makeDue(stamp)], becomes: { paymentStatus: "refund_due" }, tasks: [refund] };
}
