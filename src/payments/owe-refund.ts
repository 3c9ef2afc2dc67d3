import type { Order } from "../orders/order.ts";
import type { OwedRefund, WantedRefund } from "../orders/payments-port.ts";
import type { RefundWire } from "../orders/schemas.ts";
import type { Context } from "../platform/context.ts";
import { all, sql } from "../platform/sql.ts";
import { PAYMENT_COLUMNS, type Payment, REFUND_COLUMNS, type Refund } from "./money.ts";
import { renderRefund } from "./refund.ts";
import { newRefund, refundName, refundTask, spread } from "./settle-parts.ts";
import { fitsCaptured, promiseRefunds, writeRefundDue } from "./statements.ts";

/**
 * The parts of a step that promise a refund of its order, of the oldest payment first. The batch of the step writes them, so
 * that there is never the step without its refund, nor a refund twice; a task of the same batch sends each. Payments are
 * read after the order: each change of an order's money is a version of it, so where they are newer the step loses.
 */
export async function oweRefund(
  context: Context,
  order: Order,
  { operation, due, reason }: WantedRefund,
): Promise<OwedRefund> {
  if (due.amount === 0) return NOTHING_OWED;
  const payments = await all(
    context.env.DB,
    sql<Payment>`SELECT ${PAYMENT_COLUMNS} FROM payments AS p WHERE p.order_id = ${order.id} ORDER BY p.created_at, p.id`,
  );
  const refunds = spread(payments, due.amount).map(({ payment, amount }, index) =>
    newRefund(context, payment, {
      id: refundName(operation, index),
      amount,
      reason,
      // The units are named once, whatever payments their money is of.
      items: index === 0 && due.items.length > 0 ? JSON.stringify(due.items) : null,
    }),
  );
  const promised = refunds.reduce((sum, { amount }) => sum + amount, 0);
  if (promised === 0) return NOTHING_OWED;
  const now = context.clock.now();
  return {
    refunds: refunds.map(renderRefund),
    step: {
      guard: () => fitsCaptured(refunds),
      besides: (stamp) => [
        ...promiseRefunds(refunds, { stamp, now }),
        writeRefundDue(order.id, { stamp, now }),
      ],
      becomes: {
        paymentStatus: "refund_due",
        refunded: order.refunded + promised,
        refundedUnits: withUnits(order.refundedUnits, due.items),
      },
      tasks: refunds.map((refund) => refundTask(context, refund)),
    },
  };
}

const NOTHING_OWED: OwedRefund = {
  refunds: [],
  step: { guard: () => sql`true`, besides: () => [], becomes: {}, tasks: [] },
};

function withUnits(known: Order["refundedUnits"], items: { product_id: string; quantity: number }[]) {
  const units = { ...known };
  for (const { product_id, quantity } of items) units[product_id] = (units[product_id] ?? 0) + quantity;
  return units;
}

/** The refunds that a command has promised, in their order. */
export async function refundsBy(context: Context, orderId: string, operation: string): Promise<RefundWire[]> {
  const name = refundName(operation, 0);
  const refunds = await all(
    context.env.DB,
    sql<Refund>`SELECT ${REFUND_COLUMNS} FROM refunds AS r
      WHERE r.order_id = ${orderId} AND (r.id = ${name} OR substr(r.id, 1, ${name.length + 1}) = ${`${name}-`})
      ORDER BY length(r.id), r.id`,
  );
  return refunds.map(renderRefund);
}
