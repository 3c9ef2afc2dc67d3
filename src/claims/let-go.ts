import { stockOf } from "../inventory/client.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";

/** A claim that is dead, and the products of which it may hold units. */
export interface DeadClaim {
  claim: string;
  productIds: Iterable<string>;
}

/**
 * Releases all that these claims hold: one RPC for each product, for any number of claims. Only to be called when dead fates
 * of theirs are written. Returns the claims for which a call failed: what they may still hold asks at its deadline.
 */
export async function letGo(context: Context, dead: DeadClaim[]): Promise<Set<string>> {
  const held = dead.flatMap(({ claim, productIds }) =>
    [...productIds].map((productId) => ({ claim, productId })),
  );
  const failed = await Promise.all(
    [...Map.groupBy(held, ({ productId }) => productId)].map(async ([productId, ofProduct]) => {
      const claims = ofProduct.map(({ claim }) => claim);
      try {
        const commands = claims.map((claim) => ({ claim, version: 1, state: {} }));
        await stockOf(context.env, productId).follow(productId, commands, context.generation);
        return [];
      } catch (error) {
        const about = { claims: claims.length, claim: claims[0], product_id: productId };
        context.log.warn("claims could not let go", { ...about, error: describeError(error) });
        return claims;
      }
    }),
  );
  return new Set(failed.flat());
}
