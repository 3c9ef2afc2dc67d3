import { Commit } from "../events/commit.ts";
import { spentBy } from "../orders/place/cart-guard.ts";
import type { NamedOrder } from "../orders/place/draft.ts";
import type { Context } from "../platform/context.ts";
import { allows, allowsVersion } from "../platform/http/etag.ts";
import { type Sql, sql } from "../platform/sql.ts";
import { type Cart, cartOf, isOwnedBy, type Owner, readCart } from "./cart.ts";

/** The request to change an item of a cart. */
export interface ItemCommand {
  cartId: string;
  productId: string;
  owner: Owner;
  /** The versions of the cart that it may change; null for any. */
  versions: number[] | null;
}

export type Unchanged =
  | { kind: "not_found" }
  | { kind: "stale" }
  /** A living order has spent the cart, so its items must stay as they were ordered. */
  | { kind: "spent"; order: NamedOrder };

interface Product {
  active: number;
  currency: string;
}

/**
 * Changes a cart in one batch by the stamp rule: the first statement wins the cart's next version if it can, `write` is
 * joined on its stamp, and the others read the cart. Two changes at the same time both succeed, unless one names a version.
 * @param guard a further condition on `carts`
 */
export async function changeCart(
  context: Context,
  { cartId, productId, owner, versions }: ItemCommand,
  guard: Sql,
  write: (stamp: string) => Sql,
): Promise<
  { kind: "changed"; cart: Cart } | Unchanged | { kind: "guard_failed"; cart: Cart; product: Product | null }
> {
  const commit = new Commit(context, "none");
  const { stamp } = commit;
  commit.win(sql`UPDATE carts SET version = version + 1, stamp = ${stamp}, updated_at = ${context.clock.now()}
    WHERE id = ${cartId} AND ${isOwnedBy("carts", owner)} AND NOT EXISTS (${spentBy(sql`carts.id`, sql`1`)})
      AND ${allowsVersion(versions)} AND (${guard})`);
  commit.write(write(stamp));
  const products = commit.read(sql<Product>`SELECT active, currency FROM products WHERE id = ${productId}`);
  const carts = commit.read(readCart(cartId, owner));
  const committed = await commit.send();
  const product = committed.first(products);
  const row = committed.first(carts);
  if (!row) return { kind: "not_found" };
  const cart = cartOf(row);
  if (row.stamp === stamp) return { kind: "changed", cart };
  if (!allows(versions, cart.version)) return { kind: "stale" };
  if (cart.spentBy) return { kind: "spent", order: cart.spentBy };
  return { kind: "guard_failed", cart, product };
}
