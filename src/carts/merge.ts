import { spentBy } from "../orders/place/cart-guard.ts";
import { MAX_ITEMS, MAX_QUANTITY } from "../orders/schemas.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { sha256 } from "../platform/ids.ts";

/** Of a user's carts, so many of the newest are looked at for one that is not spent. */
const NEWEST = 20;

/** The guest's cart. In all of these ?1 is its token's hash, ?2 the nonce, ?3 the user. */
const IS_OPEN = `token_hash = ?1 AND user_id IS NULL AND merged_into IS NULL
  AND NOT EXISTS (${spentBy("carts.id", "1")})`;

/** The newest of the user's carts that is not spent. */
const USERS_CART = `SELECT t.id FROM (
    SELECT id, created_at FROM carts WHERE user_id = ?3 ORDER BY created_at DESC, id DESC LIMIT ${NEWEST}) AS t
  WHERE NOT EXISTS (${spentBy("t.id", "1")}) ORDER BY t.created_at DESC, t.id DESC LIMIT 1`;

/** That this batch has closed it. */
const MERGED = "g.token_hash = ?1 AND g.stamp = ?2 AND g.merged_into IS NOT NULL";

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
  const { DB } = env;
  const hash = await sha256(token);
  const nonce = ids.next();
  const all = [hash, nonce, userId, clock.now()];
  const results = await DB.batch([
    DB.prepare(
      `UPDATE carts SET merged_into = (${USERS_CART}), version = version + 1, stamp = ?2, updated_at = ?4
       WHERE ${IS_OPEN} AND EXISTS (${USERS_CART})`,
    ).bind(...all),
    DB.prepare(
      `UPDATE carts SET version = version + 1, stamp = ?2, updated_at = ?4
       WHERE user_id = ?3 AND id IN (SELECT g.merged_into FROM carts AS g WHERE ${MERGED})`,
    ).bind(...all),
    DB.prepare(
      `INSERT INTO cart_items (cart_id, product_id, line, quantity, unit_price, currency)
       SELECT g.merged_into, i.product_id, i.line + 1 +
           (SELECT coalesce(max(line), -1) FROM cart_items WHERE cart_id = g.merged_into),
         i.quantity, i.unit_price, i.currency
       FROM carts AS g JOIN cart_items AS i ON i.cart_id = g.id WHERE ${MERGED}
       ON CONFLICT (cart_id, product_id) DO UPDATE
         SET quantity = min(${MAX_QUANTITY}, cart_items.quantity + excluded.quantity)`,
    ).bind(hash, nonce),
    DB.prepare(
      `DELETE FROM cart_items WHERE (cart_id, product_id) IN (
         SELECT i.cart_id, i.product_id FROM carts AS g JOIN cart_items AS i ON i.cart_id = g.merged_into
         WHERE ${MERGED} ORDER BY i.line, i.product_id LIMIT -1 OFFSET ${MAX_ITEMS})`,
    ).bind(hash, nonce),
    DB.prepare(
      `UPDATE orders SET cart_id = g.merged_into FROM carts AS g WHERE ${MERGED} AND orders.cart_id = g.id`,
    ).bind(hash, nonce),
    DB.prepare(
      `UPDATE carts SET user_id = ?3, version = version + 1, stamp = ?2, updated_at = ?4 WHERE ${IS_OPEN}`,
    ).bind(...all),
    // For the first and for a repeat alike.
    DB.prepare(
      `SELECT t.id FROM carts AS g JOIN carts AS t ON t.id = coalesce(g.merged_into, g.id)
       WHERE g.token_hash = ?1 AND t.user_id = ?2 AND NOT EXISTS (${spentBy("t.id", "1")})`,
    ).bind(hash, userId),
  ]);
  return rowsOf<{ id: string }>(results, results.length - 1)[0]?.id ?? null;
}
