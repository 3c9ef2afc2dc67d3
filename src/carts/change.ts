import { spentBy } from "../orders/place/cart-guard.ts";
import type { NamedOrder } from "../orders/place/draft.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { allows } from "../platform/etag.ts";
import { type Cart, type CartRow, cartOf, isTheirs, type Owner, readCart } from "./cart.ts";

/** An item of a cart, by whom, and at which versions of the cart it may be changed; null for any. */
export interface ItemCommand {
  cartId: string;
  productId: string;
  owner: Owner;
  versions: number[] | null;
}

export type Unchanged =
  | { kind: "not_found" }
  | { kind: "stale" }
  /** A living order has it: what it ordered stays as it was. */
  | { kind: "spent"; order: NamedOrder };

/**
 * One batch, one round trip, by the stamp rule: the first statement wins the cart's next version, or does not; `besides`
 * is joined on its stamp; the rest reads back. Two at one cart both have their way, unless one named a version.
 * @param guard SQL over `carts` that must hold besides; the product is ?6
 */
export async function changeCart(
  context: Context,
  { cartId, productId, owner, versions }: ItemCommand,
  guard: string,
  besides: (nonce: string) => D1PreparedStatement[],
): Promise<{ kind: "changed"; cart: Cart } | Unchanged | { kind: "withheld"; cart: Cart; rest: D1Result }> {
  const { env, ids, clock } = context;
  const nonce = ids.next();
  const results = await env.DB.batch([
    env.DB.prepare(
      `UPDATE carts SET version = version + 1, stamp = ?4, updated_at = ?5
       WHERE id = ?1 AND ${isTheirs("carts", "?2", "?3")} AND NOT EXISTS (${spentBy("carts.id", "1")})
         AND (?7 IS NULL OR version IN (SELECT value FROM json_each(?7))) AND (${guard})`,
    ).bind(
      cartId,
      owner.userId,
      owner.tokenHash,
      nonce,
      clock.now(),
      productId,
      versions && JSON.stringify(versions),
    ),
    ...besides(nonce),
    env.DB.prepare("SELECT active, currency FROM products WHERE id = ?1").bind(productId),
    readCart(env.DB, cartId, owner),
  ]);
  const [row] = rowsOf<CartRow>(results, results.length - 1);
  const rest = results.at(-2);
  if (!row || !rest) return { kind: "not_found" };
  const cart = cartOf(row);
  if (row.stamp === nonce) return { kind: "changed", cart };
  if (!allows(versions, cart.version)) return { kind: "stale" };
  if (cart.spentBy) return { kind: "spent", order: cart.spentBy };
  return { kind: "withheld", cart, rest };
}
