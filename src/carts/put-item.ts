import { MAX_ITEMS } from "../orders/schemas.ts";
import type { Context } from "../platform/context.ts";
import { constant, type Sql, sql } from "../platform/sql.ts";
import type { Cart } from "./cart.ts";
import { changeCart, type ItemCommand, type Unchanged } from "./change.ts";

export type PutOutcome =
  | { kind: "changed"; cart: Cart }
  | Unchanged
  | { kind: "unknown_product" }
  | { kind: "mixed_currencies"; currencies: string[] }
  | { kind: "too_many" };

/**
 * The guard: the product is on sale. If it is not in the cart yet, the cart must have room and no product on sale in another
 * currency. An item that is there can always be changed, even if a merge or a new price has brought in another currency.
 */
const mayBePut = (productId: string): Sql => sql`
  EXISTS (SELECT 1 FROM products AS p WHERE p.id = ${productId} AND p.active = 1
    AND (EXISTS (SELECT 1 FROM cart_items AS i WHERE i.cart_id = carts.id AND i.product_id = ${productId})
      OR ((SELECT count(*) FROM cart_items AS i WHERE i.cart_id = carts.id) < ${constant(MAX_ITEMS)}
        AND NOT EXISTS (
          SELECT 1 FROM cart_items AS i JOIN products AS other ON other.id = i.product_id
          WHERE i.cart_id = carts.id AND other.active = 1 AND other.currency <> p.currency))))`;

/** Sets the quantity of a product in a cart, from 1. It notes the current price, so that a later change can be shown. */
export async function putItem(context: Context, command: ItemCommand, quantity: number): Promise<PutOutcome> {
  const { cartId, productId } = command;
  const outcome = await changeCart(
    context,
    command,
    mayBePut(productId),
    (stamp) => sql`
      INSERT INTO cart_items (cart_id, product_id, line, quantity, unit_price, currency)
      SELECT c.id, p.id, (SELECT coalesce(max(line), -1) + 1 FROM cart_items WHERE cart_id = c.id), ${quantity}, p.price,
        p.currency
      FROM carts AS c JOIN products AS p ON p.id = ${productId} WHERE c.id = ${cartId} AND c.stamp = ${stamp}
      ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = excluded.quantity,
        unit_price = excluded.unit_price, currency = excluded.currency`,
  );
  if (outcome.kind !== "guard_failed") return outcome;
  const { product } = outcome;
  if (!product?.active) return { kind: "unknown_product" };
  const others = outcome.cart.items.filter((item) => item.active && item.productId !== productId);
  const currencies = [...new Set([...others.map(({ currency }) => currency), product.currency])];
  return currencies.length > 1 ? { kind: "mixed_currencies", currencies } : { kind: "too_many" };
}
