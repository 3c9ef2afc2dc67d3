import { stockOf } from "../inventory/client.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";

/** A claim that is dead, and the products of which it may hold units. */
export interface DeadClaim {
  claim: string;
  productIds: Iterable<string>;
}

/**
 * Tells every product of these claims that they are dead: one RPC a product, for any number of claims. Only to be
 * called when their fates are written and dead. Returns the claims of which a product could not be told: what they may
 * still hold asks for itself at its deadline.
 */
export async function letGo(context: Context, dead: DeadClaim[]): Promise<Set<string>> {
  const byProduct = new Map<string, string[]>();
  for (const { claim, productIds } of dead) {
    for (const productId of productIds) {
      const claims = byProduct.get(productId);
      if (claims) claims.push(claim);
      else byProduct.set(productId, [claim]);
    }
  }
  const untold = await Promise.all(
    [...byProduct].map(async ([productId, claims]) => {
      try {
        const commands = claims.map((claim) => ({ claim, version: 1, state: {} }));
        await stockOf(context.env, productId).follow(productId, commands);
        return [];
      } catch (error) {
        const about = { claims: claims.length, claim: claims[0], product_id: productId };
        context.log.warn("claims could not let go", { ...about, error: describeError(error) });
        return claims;
      }
    }),
  );
  return new Set(untold.flat());
}
