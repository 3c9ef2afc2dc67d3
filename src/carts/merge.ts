import { Commit } from "../events/commit.ts";
import { spentBy } from "../orders/place/cart-guard.ts";
import { MAX_ITEMS, MAX_QUANTITY } from "../orders/schemas.ts";
import type { Context } from "../platform/context.ts";
import { sha256 } from "../platform/ids.ts";
import { constant, sql } from "../platform/sql.ts";

/** How many of a user's newest carts are searched for one that is not spent. */
const MAX_CARTS_SEARCHED = 20;

/**
 * Moves a guest's cart to the user who signs in, in one batch by the stamp rule. The guest's cart is closed by naming the
 * user's open cart, and all other statements are joined on the stamp of that, so twins and retries add the items once. If
 * the user has no open cart, the guest's cart itself becomes the user's and keeps its id.
 *
 * Quantities of one product are added, up to the maximum; the price noted in the user's cart stays. If there are more than
 * a hundred products, the last ones of the guest are dropped. The guest's dead orders are made to name the user's cart,
 * because the revival of such an order must find out whether that cart was ordered since. Both carts get a new version, so
 * that a checkout that has begun starts again. A token that opens no open cart of a guest changes nothing.
 * @returns the id of the user's open cart with the guest's items; null where there is none
 */
export async function mergeCart(context: Context, userId: string, token: string): Promise<string | null> {
  const hash = await sha256(token);
  const commit = new Commit(context, "while_restoring");
  const { stamp } = commit;
  const now = context.clock.now();
  const guestsIsOpen = sql`token_hash = ${hash} AND user_id IS NULL AND merged_into IS NULL
    AND NOT EXISTS (${spentBy(sql`carts.id`, sql`1`)})`;
  const isSpent = sql`EXISTS (${spentBy(sql`t.id`, sql`1`)})`;
  // The user's newest cart that is not spent.
  const usersCart = sql`SELECT t.id FROM (
      SELECT id, created_at FROM carts WHERE user_id = ${userId}
      ORDER BY created_at DESC, id DESC LIMIT ${constant(MAX_CARTS_SEARCHED)}) AS t
    WHERE NOT ${isSpent} ORDER BY t.created_at DESC, t.id DESC LIMIT 1`;
  // The guest's cart, if this batch has closed it.
  const merged = sql`g.token_hash = ${hash} AND g.stamp = ${stamp} AND g.merged_into IS NOT NULL`;
  commit.win(sql`
      UPDATE carts SET merged_into = (${usersCart}), version = version + 1, stamp = ${stamp}, updated_at = ${now}
      WHERE ${guestsIsOpen} AND EXISTS (${usersCart})`);
  commit.write(
    sql`
      UPDATE carts SET version = version + 1, stamp = ${stamp}, updated_at = ${now}
      WHERE user_id = ${userId} AND id IN (SELECT g.merged_into FROM carts AS g WHERE ${merged})`,
    sql`
      INSERT INTO cart_items (cart_id, product_id, line, quantity, unit_price, currency)
      SELECT g.merged_into, i.product_id, i.line + 1 +
          (SELECT coalesce(max(line), -1) FROM cart_items WHERE cart_id = g.merged_into),
        i.quantity, i.unit_price, i.currency
      FROM carts AS g JOIN cart_items AS i ON i.cart_id = g.id WHERE ${merged}
      ON CONFLICT (cart_id, product_id) DO UPDATE
        SET quantity = min(${constant(MAX_QUANTITY)}, cart_items.quantity + excluded.quantity)`,
    sql`
      DELETE FROM cart_items WHERE (cart_id, product_id) IN (
        SELECT i.cart_id, i.product_id FROM carts AS g JOIN cart_items AS i ON i.cart_id = g.merged_into
        WHERE ${merged} ORDER BY i.line, i.product_id LIMIT -1 OFFSET ${constant(MAX_ITEMS)})`,
    sql`
      UPDATE orders SET cart_id = g.merged_into FROM carts AS g WHERE ${merged} AND orders.cart_id = g.id`,
  );
  commit.win(sql`
      UPDATE carts SET user_id = ${userId}, version = version + 1, stamp = ${stamp}, updated_at = ${now}
      WHERE ${guestsIsOpen}`);
  // Not joined on the stamp, because a repeat must find the same cart.
  const open = commit.read(sql<{ id: string }>`
    SELECT t.id FROM carts AS g JOIN carts AS t ON t.id = coalesce(g.merged_into, g.id)
    WHERE g.token_hash = ${hash} AND t.user_id = ${userId} AND NOT ${isSpent}`);
  return (await commit.send()).first(open)?.id ?? null;
}
