import { spentBy } from "../orders/place/cart-guard.ts";
import { MAX_ITEMS, MAX_QUANTITY } from "../orders/schemas.ts";
import type { Context } from "../platform/context.ts";
import { sha256 } from "../platform/ids.ts";
import { batch, constant, sql, trusted } from "../platform/sql.ts";

/** Of a user's carts, so many of the newest are looked at for one that is not spent. */
const NEWEST = 20;

/**
 * At sign-in, what a guest has in a cart becomes the user's, in one batch by the stamp rule: the guest's cart is closed
 * by naming the user's, and all else is joined on the stamp of that. So twins and retries add it once. Where the user has
 * no open cart, the guest's itself becomes the user's, under its id.
 *
 * Quantities of one product are added up, to the largest that is allowed; the user's price note stays; past a hundred
 * products the guest's last ones are dropped. The guest's dead orders come to name the user's cart: should one of them
 * be revived, it must find whether that was ordered since. Either cart is at a new version, so a checkout of one that is
 * under way starts again. A token that opens no guest's open cart (wrong, another's, spent) changes nothing.
 * @returns the user's open cart that has the guest's items; null where there is none
 */
export async function mergeCart(context: Context, userId: string, token: string): Promise<string | null> {
  const { env, ids, clock } = context;
  const hash = await sha256(token);
  const stamp = ids.next();
  const now = clock.now();
  const guestsIsOpen = sql`token_hash = ${hash} AND user_id IS NULL AND merged_into IS NULL
    AND NOT EXISTS (${trusted(spentBy("carts.id", "1"))})`;
  const isSpent = trusted(`EXISTS (${spentBy("t.id", "1")})`);
  // The newest that is not spent.
  const usersCart = sql`SELECT t.id FROM (
      SELECT id, created_at FROM carts WHERE user_id = ${userId}
      ORDER BY created_at DESC, id DESC LIMIT ${constant(NEWEST)}) AS t
    WHERE NOT ${isSpent} ORDER BY t.created_at DESC, t.id DESC LIMIT 1`;
  // This batch has closed the guest's.
  const merged = sql`g.token_hash = ${hash} AND g.stamp = ${stamp} AND g.merged_into IS NOT NULL`;
  const {
    open: [open],
  } = await batch(env.DB, {
    closed: sql`
      UPDATE carts SET merged_into = (${usersCart}), version = version + 1, stamp = ${stamp}, updated_at = ${now}
      WHERE ${guestsIsOpen} AND EXISTS (${usersCart})`,
    renewed: sql`
      UPDATE carts SET version = version + 1, stamp = ${stamp}, updated_at = ${now}
      WHERE user_id = ${userId} AND id IN (SELECT g.merged_into FROM carts AS g WHERE ${merged})`,
    added: sql`
      INSERT INTO cart_items (cart_id, product_id, line, quantity, unit_price, currency)
      SELECT g.merged_into, i.product_id, i.line + 1 +
          (SELECT coalesce(max(line), -1) FROM cart_items WHERE cart_id = g.merged_into),
        i.quantity, i.unit_price, i.currency
      FROM carts AS g JOIN cart_items AS i ON i.cart_id = g.id WHERE ${merged}
      ON CONFLICT (cart_id, product_id) DO UPDATE
        SET quantity = min(${constant(MAX_QUANTITY)}, cart_items.quantity + excluded.quantity)`,
    dropped: sql`
      DELETE FROM cart_items WHERE (cart_id, product_id) IN (
        SELECT i.cart_id, i.product_id FROM carts AS g JOIN cart_items AS i ON i.cart_id = g.merged_into
        WHERE ${merged} ORDER BY i.line, i.product_id LIMIT -1 OFFSET ${constant(MAX_ITEMS)})`,
    followed: sql`
      UPDATE orders SET cart_id = g.merged_into FROM carts AS g WHERE ${merged} AND orders.cart_id = g.id`,
    taken: sql`
      UPDATE carts SET user_id = ${userId}, version = version + 1, stamp = ${stamp}, updated_at = ${now}
      WHERE ${guestsIsOpen}`,
    // For the first and for a repeat alike.
    open: sql<{ id: string }>`
      SELECT t.id FROM carts AS g JOIN carts AS t ON t.id = coalesce(g.merged_into, g.id)
      WHERE g.token_hash = ${hash} AND t.user_id = ${userId} AND NOT ${isSpent}`,
  });
  return open?.id ?? null;
}
