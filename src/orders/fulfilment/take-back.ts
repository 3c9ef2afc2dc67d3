import { markTasksDone } from "../../events/mark.ts";
import { wakeUp } from "../../events/wake-up.ts";
import { findNames } from "../../inventory/client.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { sql } from "../../platform/sql.ts";
import { mayBecome, type OrderStatus } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import type { OwedRefund, RefundsPort } from "../payments-port.ts";
import { dueBack, goneUnits } from "../refund-due.ts";
import type { RefundWire } from "../schemas.ts";
import { type Changed, type Command, changeOrder, type Plan, type PlannedStep } from "../steps/change.ts";
import { shippedUnits } from "../units.ts";
import { addedUp, type OrderReturn, type ReturnLine, readFulfilment } from "./read.ts";
import { type Restock, restockTask, sendRestock } from "./restock.ts";

export interface ReturnRequest {
  items: ReturnLine[];
  storeId: string;
  reason: string;
}

export type ReturnRefusal =
  | { kind: "not_returnable"; status: OrderStatus }
  | { kind: "unknown_store" }
  | { kind: "unknown_item"; productId: string }
  /** More than was shipped, less what came back before. */
  | { kind: "more_than_shipped"; productId: string; requested: number; left: number };

/** What a return makes. */
export interface TakenBack {
  made: OrderReturn;
  refunds: RefundWire[];
}

export type ReturnOutcome = Changed<TakenBack> | ReturnRefusal;

/**
 * Takes back what has left of an order, also while the rest of it has yet to; when all of a shipped or delivered order
 * is back, it is `returned`. What is to be sold again is put on hand at a store: a task of the same batch, tried before
 * the answer. The same batch promises back what is due for it (refund-due.ts).
 */
export async function takeBack(
  context: Context,
  port: RefundsPort,
  order: Order,
  command: Command<TakenBack> & { request: ReturnRequest },
): Promise<ReturnOutcome> {
  const { request } = command;
  const operation = command.operation.id;
  const names = await findNames(context.env.DB, request.items[0]?.product_id ?? "", [request.storeId]);
  if (!names.stores.has(request.storeId)) return { kind: "unknown_store" };

  const restock = restockOf(context, order, operation, request);
  const workId = prefixed("wrk", operation);
  const changed = await changeOrder<ReturnRefusal, TakenBack>(context, order, command, (current) =>
    planReturn(context, port, current, { operation, request, restock, workId }),
  );
  if (changed.kind === "changed" && restock.items.length > 0) {
    const fault = await sendRestock(context, restock);
    const work = { id: workId, task: "restock" as const };
    context.defer(fault === null ? markTasksDone(context, [workId]) : wakeUp(context, [work]));
    // It is done or woken by now; the refund's task is not.
    return { ...changed, tasks: changed.tasks.filter(({ id }) => id !== workId) };
  }
  return changed;
}

/** A command makes at most one return. */
export const returnId = (operation: string): string => prefixed("ret", operation);

interface Parts {
  operation: string;
  request: ReturnRequest;
  restock: Restock;
  workId: string;
}

/** Reads the returns after the order: where one is newer than the order as read, the step loses by its version anyway. */
async function planReturn(
  context: Context,
  { oweRefund }: RefundsPort,
  order: Order,
  parts: Parts,
): Promise<Plan<ReturnRefusal, TakenBack>> {
  const allShipped = mayBecome(order.status, "returned");
  const partShipped = order.status === "processing" && order.items.some((item) => shippedUnits(item) > 0);
  if (!allShipped && !partShipped) return { refusal: { kind: "not_returnable", status: order.status } };
  const { returns } = await readFulfilment(context, order);
  const left = new Map(order.items.map((item) => [item.productId, shippedUnits(item)]));
  const takeOff = ({ product_id, quantity }: ReturnLine) =>
    left.set(product_id, (left.get(product_id) ?? 0) - quantity);
  for (const line of returns.flatMap(({ items }) => items)) takeOff(line);

  const before = new Map(left);
  for (const line of parts.request.items) {
    const productId = line.product_id;
    if (!left.has(productId)) return { refusal: { kind: "unknown_item", productId } };
    takeOff(line);
  }
  for (const [productId, remaining] of left) {
    if (remaining >= 0) continue;
    const known = before.get(productId) ?? 0;
    const requested = known - remaining;
    return { refusal: { kind: "more_than_shipped", productId, requested, left: known } };
  }
  const complete = allShipped && [...left.values()].every((remaining) => remaining === 0);
  const gone = goneUnits(order, addedUp(returns.flatMap(({ items }) => items)));
  const owed = await oweRefund(context, order, {
    operation: parts.operation,
    due: dueBack(order, gone, addedUp(parts.request.items)),
    reason: parts.request.reason,
  });
  return comingBack(context, order, parts, { complete, owed });
}

function comingBack(
  context: Context,
  order: Order,
  { operation, request, restock, workId }: Parts,
  { complete, owed }: { complete: boolean; owed: OwedRefund },
): PlannedStep<TakenBack> {
  const id = returnId(operation);
  const { items, storeId, reason } = request;
  const step = {
    ...owed.step,
    ...(complete ? { to: "returned" as const } : {}),
    kind: "return" as const,
    event: complete ? "order.returned" : "order.return",
    data: {
      return: { id, store_id: storeId, items },
      refund_ids: owed.refunds.map((refund) => refund.id),
    },
    besides: (stamp: string) => [
      sql`INSERT INTO returns (id, order_id, order_version, store_id, items, reason, created_at)
          SELECT ${id}, o.id, o.version, ${storeId}, ${JSON.stringify(items)}, ${reason}, o.updated_at
          FROM orders AS o WHERE o.id = ${order.id} AND o.stamp = ${stamp}`,
      ...owed.step.besides(stamp),
    ],
    tasks: [
      ...owed.step.tasks,
      ...(restock.items.length > 0 ? [restockTask(context, workId, order.id, restock)] : []),
    ],
  };
  return {
    reason,
    step,
    made: ({ updatedAt }) => ({
      made: { id, storeId, items, reason, createdAt: updatedAt },
      refunds: owed.refunds,
    }),
  };
}

function restockOf(context: Context, order: Order, operation: string, request: ReturnRequest): Restock {
  const units = addedUp(request.items.filter((line) => line.restock));
  return {
    return_id: returnId(operation),
    reference: order.reference,
    store_id: request.storeId,
    reason: request.reason,
    actor: context.actor.name,
    items: [...units].map(([product_id, quantity]) => ({ product_id, quantity })),
  };
}
