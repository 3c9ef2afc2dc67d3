import type { Context } from "../platform/context.ts";
import type { Cart } from "./cart.ts";
import { changeCart, type ItemCommand, type Unchanged } from "./change.ts";

export type RemoveOutcome =
  | { kind: "changed"; cart: Cart }
  | Unchanged
  /** There was no such item, which changes nothing. */
  | { kind: "absent"; cart: Cart };

const IS_THERE = "EXISTS (SELECT 1 FROM cart_items AS i WHERE i.cart_id = carts.id AND i.product_id = ?6)";

/** Takes a product out of a cart. */
export async function removeItem(context: Context, command: ItemCommand): Promise<RemoveOutcome> {
  const { DB } = context.env;
  const outcome = await changeCart(context, command, IS_THERE, (nonce) => [
    DB.prepare(
      `DELETE FROM cart_items WHERE cart_id = ?1 AND product_id = ?2
         AND EXISTS (SELECT 1 FROM carts AS c WHERE c.id = ?1 AND c.stamp = ?3)`,
    ).bind(command.cartId, command.productId, nonce),
  ]);
  return outcome.kind === "withheld" ? { kind: "absent", cart: outcome.cart } : outcome;
}
