import { type Follow, follow, type Told } from "../../claims/follow.ts";
import type { FollowCommand, FollowState } from "../../inventory/stock-types.ts";
import type { Context } from "../../platform/context.ts";
import { isLiving, type OrderStatus } from "../lifecycle.ts";
import type { Order, OrderAllocation, OrderItem } from "../order.ts";

/** What an order keeps and has shipped of one product. A dead order keeps nothing; what was shipped stays shipped. */
export function keptState(status: OrderStatus, allocations: OrderAllocation[]): FollowState {
  return Object.fromEntries(
    allocations.map(({ store_id, quantity, shipped }) => [
      store_id,
      { keep: isLiving(status) ? quantity - shipped : 0, shipped },
    ]),
  );
}

/** What D1 says about one product of an order, for the product's Stock object. */
export const followCommand = (order: Order, item: OrderItem): FollowCommand => ({
  claim: order.claimId,
  version: order.version,
  state: keptState(order.status, item.allocations),
});

/**
 * Tells every Stock object of an order what D1 says. The message may be lost, repeated or late: an object applies only a
 * newer version. Returns false when an object could not be told.
 */
export const sendFollow = async (context: Context, order: Order): Promise<boolean> =>
  (await follow(context, order.id, followsOf(order), false)).all;

/**
 * The same, for the order's task `follow`, or before it: the levels that the objects answer are to be written before that
 * task is done, since the objects rely on it.
 */
export const sendFollowAndCarry = (context: Context, order: Order): Promise<Told> =>
  follow(context, order.id, followsOf(order), true);

const followsOf = (order: Order): Follow[] =>
  order.items.map((item) => ({ productId: item.productId, command: followCommand(order, item) }));
