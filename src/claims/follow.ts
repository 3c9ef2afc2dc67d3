import { stockOf } from "../inventory/client.ts";
import type { FollowCommand } from "../inventory/stock-types.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";

/** What D1 says about one product of an order, for the product's Stock object. */
export interface Follow {
  productId: string;
  command: FollowCommand;
}

/**
 * Sends the state of an order's claim to its Stock objects, one RPC for each product, all in parallel. False when one call
 * failed: the task `follow`, or the hold when it asks, brings that object up to date later.
 */
export async function follow(context: Context, orderId: string, follows: Follow[]): Promise<boolean> {
  const sent = await Promise.all(
    follows.map(async ({ productId, command }) => {
      const about = { order_id: orderId, product_id: productId };
      try {
        const [outcome] = await stockOf(context.env, productId).follow(
          productId,
          [command],
          context.generation,
        );
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
  return sent.every(Boolean);
}
