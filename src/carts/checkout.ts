import { namedOrder, spentBy } from "../orders/place/cart-guard.ts";
import { type Draft, draftOf } from "../orders/place/draft.ts";
import type { PlaceOrderInput } from "../orders/schemas.ts";
import type { Context } from "../platform/context.ts";
import type { IdempotencyKey } from "../platform/idempotency.ts";
import { sha256 } from "../platform/ids.ts";
import { GENERATION } from "../platform/restoring.ts";
import { first, sql } from "../platform/sql.ts";
import { isOwnedBy, type Owner, SPENT_BY } from "./cart.ts";

interface CheckoutRow {
  id: string;
  version: number;
  last_order_id: string | null;
  items: string;
  spent_by: string | null;
  /** The key made of the cart under which it was spent; null when it was spent under the buyer's own key. */
  spent_under: string | null;
  generation: number;
}

/** The request that checks out a cart. */
export interface CheckoutRequest {
  input: Omit<PlaceOrderInput, "items">;
  /** The buyer's Idempotency-Key. */
  key: IdempotencyKey | null;
  /** SHA-256 of the request. */
  fingerprint: string;
}

/**
 * Makes the draft of an order from a cart, in one call to D1. Null when the cart is not the owner's. The batch that records
 * the order has a guard that nobody has changed or ordered the cart meanwhile.
 */
export async function draftOfCart(
  context: Context,
  id: string,
  owner: Owner,
  request: CheckoutRequest,
): Promise<Draft | null> {
  const row = await first(
    context.env.DB,
    sql<CheckoutRow>`SELECT c.id, c.version, c.last_order_id, ${SPENT_BY},
       (SELECT json_group_array(json_object('product_id', i.product_id, 'quantity', i.quantity)
           ORDER BY i.line, i.product_id)
        FROM cart_items AS i WHERE i.cart_id = c.id) AS items,
       (SELECT k.key FROM idempotency AS k
        WHERE k.scope = 'cart:' || c.id AND k.operation = substr((${spentBy(sql`c.id`, sql`living.id`)}), 5)) AS spent_under,
       ${GENERATION} AS generation
     FROM carts AS c WHERE c.id = ${id} AND ${isOwnedBy("c", owner)}`,
  );
  if (!row) return null;
  context.generation ??= row.generation;
  const items = JSON.parse(row.items) as PlaceOrderInput["items"];
  const cart = { id: row.id, version: row.version, spentBy: namedOrder(row.spent_by) };
  const key = await keyOf(row, request);
  return { ...draftOf(context, { ...request.input, items }, key), cart, generation: row.generation };
}

/**
 * The key under which a checkout is placed. A key stands for one content, so the fingerprint of a buyer's key includes the
 * cart's version: what was not decided yet is not placed with other items. Once it is answered, only what was sent counts,
 * and the answer is repeated whatever has become of the cart.
 *
 * Without a buyer's key, one is made of the cart, its version and the request, in a scope of its own, so that a double
 * click or a retry gets the first answer again. While a living order has the cart, the key is the one of that order. When
 * that order is dead the cart can be ordered again, and must not get the dead order's answer: so the key also names the
 * cart's last order. Different requests at the same time have different keys; the guard lets one of them win.
 */
async function keyOf(
  { id, version, last_order_id, spent_by, spent_under }: CheckoutRow,
  { key, fingerprint }: CheckoutRequest,
): Promise<IdempotencyKey | null> {
  if (key) return { ...key, fingerprint: `${key.fingerprint}.${await sha256(`${id} ${version}`)}` };
  const scope = `cart:${id}`;
  if (spent_by === null) {
    return { scope, key: `${version}.${last_order_id ?? "first"}:${fingerprint}`, fingerprint };
  }
  const repeats = spent_under?.endsWith(`:${fingerprint}`);
  return spent_under !== null && repeats ? { scope, key: spent_under, fingerprint } : null;
}
