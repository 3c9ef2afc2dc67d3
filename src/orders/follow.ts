import { stockOf } from "../inventory/client.ts";
import type { FollowCommand, FollowOutcome, FollowState } from "../inventory/stock-types.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";
import { isLiving, type OrderStatus } from "./lifecycle.ts";
import type { Order, OrderAllocation, OrderItem } from "./order.ts";

/** What an order keeps and has shipped of one product. A dead order keeps nothing; what was shipped stays shipped. */
export function keptState(status: OrderStatus, allocations: OrderAllocation[]): FollowState {
  return Object.fromEntries(
    allocations.map(({ store_id, quantity, shipped }) => [
      store_id,
      { keep: isLiving(status) ? quantity - shipped : 0, shipped },
    ]),
  );
}

/** What D1 says of one product of an order. */
export const followCommand = (order: Order, item: OrderItem): FollowCommand => ({
  claim: order.claimId,
  version: order.version,
  state: keptState(order.status, item.allocations),
});

/**
 * Tells every Stock object of an order what D1 has, one RPC a product, all in parallel. It may be lost, repeated and
 * late: the objects apply only what is newer. False when one could not be told.
 */
export async function sendFollow(context: Context, order: Order): Promise<boolean> {
  const told = await Promise.all(
    order.items.map(async (item) => {
      try {
        const [outcome] = await stockOf(context.env, item.productId).follow(item.productId, [
          followCommand(order, item),
        ]);
        if (outcome) report(context, order, item, outcome);
        return true;
      } catch (error) {
        const about = { order_id: order.id, product_id: item.productId };
        context.log.warn("a follow call failed", { ...about, error: describeError(error) });
        return false;
      }
    }),
  );
  return told.every(Boolean);
}

function report(context: Context, order: Order, item: OrderItem, outcome: FollowOutcome): void {
  if (outcome.kind !== "drift") return;
  const about = { order_id: order.id, product_id: item.productId, claim: order.claimId };
  context.log.error("stock and order disagree", { ...about, detail: outcome.detail });
}
