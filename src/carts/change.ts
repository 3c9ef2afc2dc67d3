import { spentBy } from "../orders/place/cart-guard.ts";
import type { NamedOrder } from "../orders/place/draft.ts";
import type { Context } from "../platform/context.ts";
import { allows, allowsVersion } from "../platform/etag.ts";
import { batch, type Sql, sql, trusted } from "../platform/sql.ts";
import { type Cart, cartOf, isTheirs, type Owner, readCart } from "./cart.ts";

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

/** The product of a command, as a cart may have it; nothing where there is none. */
type Product = { active: number; currency: string } | undefined;

/**
 * One batch, one round trip, by the stamp rule: the first statement wins the cart's next version, or does not; `besides`
 * is joined on its stamp; the rest reads back. Two at one cart both have their way, unless one named a version.
 * @param guard what must hold of `carts` besides
 */
export async function changeCart(
  context: Context,
  { cartId, productId, owner, versions }: ItemCommand,
  guard: Sql,
  besides: (stamp: string) => Sql,
): Promise<{ kind: "changed"; cart: Cart } | Unchanged | { kind: "withheld"; cart: Cart; product: Product }> {
  const { env, ids, clock } = context;
  const stamp = ids.next();
  const spent = trusted(spentBy("carts.id", "1"));
  const {
    product: [product],
    cart: [row],
  } = await batch(env.DB, {
    won: sql`UPDATE carts SET version = version + 1, stamp = ${stamp}, updated_at = ${clock.now()}
      WHERE id = ${cartId} AND ${isTheirs("carts", owner)} AND NOT EXISTS (${spent})
        AND ${allowsVersion(versions)} AND (${guard})`,
    besides: besides(stamp),
    product: sql<NonNullable<Product>>`SELECT active, currency FROM products WHERE id = ${productId}`,
    cart: readCart(cartId, owner),
  });
  if (!row) return { kind: "not_found" };
  const cart = cartOf(row);
  if (row.stamp === stamp) return { kind: "changed", cart };
  if (!allows(versions, cart.version)) return { kind: "stale" };
  if (cart.spentBy) return { kind: "spent", order: cart.spentBy };
  return { kind: "withheld", cart, product };
}
