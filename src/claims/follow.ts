import { stockOf } from "../inventory/client.ts";
import type { FollowCommand } from "../inventory/stock-types.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";

/** What D1 says of one product of an order, for the product's Stock object. */
export interface Follow {
  productId: string;
  command: FollowCommand;
}

/**
 * Tells Stock objects what became of an order's claim, one RPC a product, all in parallel. False when one could not be
 * told: the task that is owed for it, or the hold itself, does so later.
 */
export async function follow(context: Context, orderId: string, follows: Follow[]): Promise<boolean> {
  const told = await Promise.all(
    follows.map(async ({ productId, command }) => {
      const about = { order_id: orderId, product_id: productId };
      try {
        const [outcome] = await stockOf(context.env, productId).follow(productId, [command]);
        if (outcome?.kind === "drift") {
          const { claim } = command;
          context.log.error("stock and order disagree", { ...about, claim, detail: outcome.detail });
        }
        return true;
      } catch (error) {
        context.log.warn("a follow call failed", { ...about, error: describeError(error) });
        return false;
      }
    }),
  );
  return told.every(Boolean);
}
