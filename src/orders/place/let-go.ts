import { stockOf } from "../../inventory/client.ts";
import type { Context } from "../../platform/context.ts";
import { describeError } from "../../platform/log.ts";

/**
 * Tells every product of a claim that it is dead. Only to be called when its fate is written and dead. False when a
 * product could not be told: what it may still hold asks for itself at its deadline.
 */
export async function letGo(context: Context, claim: string, productIds: string[]): Promise<boolean> {
  const told = await Promise.all(
    productIds.map(async (productId) => {
      try {
        await stockOf(context.env, productId).follow(productId, [{ claim, version: 1, state: {} }]);
        return true;
      } catch (error) {
        context.log.warn("a claim could not let go", {
          claim,
          product_id: productId,
          error: describeError(error),
        });
        return false;
      }
    }),
  );
  return told.every(Boolean);
}
