import { MAX_ITEMS } from "../orders/schemas.ts";
import type { Context } from "../platform/context.ts";
import type { Cart } from "./cart.ts";
import { changeCart, type ItemCommand, type Unchanged } from "./change.ts";

export type PutOutcome =
  | { kind: "changed"; cart: Cart }
  | Unchanged
  | { kind: "unknown_product" }
  | { kind: "mixed_currencies"; currencies: string[] }
  | { kind: "too_many" };

/**
 * The product can be ordered. One that is not in the cart yet needs the currency of what else can be ordered, and room;
 * what is there can be changed though a merge or a price has brought in another currency since.
 */
const MAY_BE_PUT = `
  EXISTS (SELECT 1 FROM products AS p WHERE p.id = ?6 AND p.active = 1
    AND (EXISTS (SELECT 1 FROM cart_items AS i WHERE i.cart_id = carts.id AND i.product_id = ?6)
      OR ((SELECT count(*) FROM cart_items AS i WHERE i.cart_id = carts.id) < ${MAX_ITEMS}
        AND NOT EXISTS (
          SELECT 1 FROM cart_items AS i JOIN products AS other ON other.id = i.product_id
          WHERE i.cart_id = carts.id AND other.active = 1 AND other.currency <> p.currency))))`;

/** Sets how much of a product a cart has, from 1. What it costs now is noted: a later price is shown beside it. */
export async function putItem(context: Context, command: ItemCommand, quantity: number): Promise<PutOutcome> {
  const { DB } = context.env;
  const { cartId, productId } = command;
  const outcome = await changeCart(context, command, MAY_BE_PUT, (nonce) => [
    DB.prepare(
      `INSERT INTO cart_items (cart_id, product_id, line, quantity, unit_price, currency)
       SELECT c.id, p.id, (SELECT coalesce(max(line), -1) + 1 FROM cart_items WHERE cart_id = c.id), ?3, p.price,
         p.currency
       FROM carts AS c JOIN products AS p ON p.id = ?2 WHERE c.id = ?1 AND c.stamp = ?4
       ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = excluded.quantity,
         unit_price = excluded.unit_price, currency = excluded.currency`,
    ).bind(cartId, productId, quantity, nonce),
  ]);
  if (outcome.kind !== "withheld") return outcome;
  const [product] = outcome.rest.results as { active: number; currency: string }[];
  if (!product?.active) return { kind: "unknown_product" };
  const others = outcome.cart.items.filter((item) => item.active && item.productId !== productId);
  const currencies = [...new Set([...others.map(({ currency }) => currency), product.currency])];
  return currencies.length > 1 ? { kind: "mixed_currencies", currencies } : { kind: "too_many" };
}
