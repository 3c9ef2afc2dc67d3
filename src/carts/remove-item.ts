import type { Context } from "../platform/context.ts";
import { sql } from "../platform/sql.ts";
import type { Cart } from "./cart.ts";
import { changeCart, type ItemCommand, type Unchanged } from "./change.ts";

export type RemoveOutcome =
  | { kind: "changed"; cart: Cart }
  | Unchanged
  /** There was no such item; nothing was changed. */
  | { kind: "absent"; cart: Cart };

/** Takes a product out of a cart. */
export async function removeItem(context: Context, command: ItemCommand): Promise<RemoveOutcome> {
  const { cartId, productId } = command;
  const isThere = sql`EXISTS (
    SELECT 1 FROM cart_items AS i WHERE i.cart_id = carts.id AND i.product_id = ${productId})`;
  const outcome = await changeCart(
    context,
    command,
    isThere,
    (stamp) => sql`
      DELETE FROM cart_items WHERE cart_id = ${cartId} AND product_id = ${productId}
        AND EXISTS (SELECT 1 FROM carts AS c WHERE c.id = ${cartId} AND c.stamp = ${stamp})`,
  );
  return outcome.kind === "guard_failed" ? { kind: "absent", cart: outcome.cart } : outcome;
}
