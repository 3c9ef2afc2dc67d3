import { namedOrder, spentBy } from "../orders/place/cart-guard.ts";
import { type Draft, draftOf } from "../orders/place/draft.ts";
import type { PlaceOrderInput } from "../orders/schemas.ts";
import type { Context } from "../platform/context.ts";
import type { KeyClaim } from "../platform/idempotency.ts";
import { sha256 } from "../platform/ids.ts";
import { first, sql, trusted } from "../platform/sql.ts";
import { SPENT_BY } from "./cart.ts";
import { isTheirs, type Owner } from "./owner.ts";

interface CheckoutRow {
  id: string;
  version: number;
  last_order_id: string | null;
  items: string;
  spent_by: string | null;
  /** The key that the cart stood for when it was spent; null where it was spent under a key of the buyer's. */
  spent_under: string | null;
}

/** How the request that checks a cart out was made. */
export interface CheckoutRequest {
  input: Omit<PlaceOrderInput, "items">;
  /** The buyer's Idempotency-Key. */
  key: KeyClaim | null;
  /** SHA-256 of what was sent. */
  fingerprint: string;
}

/**
 * A cart as the draft of an order: what is in it now, in one call to D1. Null where it is not theirs. That nobody
 * changes or orders it before the order is recorded is a guard of the record.
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
        WHERE k.scope = 'cart:' || c.id AND k.operation = substr((${trusted(spentBy("c.id", "living.id"))}), 5)) AS spent_under
     FROM carts AS c WHERE c.id = ${id} AND ${isTheirs("c", owner)}`,
  );
  if (!row) return null;
  const items = JSON.parse(row.items) as PlaceOrderInput["items"];
  const cart = { id: row.id, version: row.version, spentBy: namedOrder(row.spent_by) };
  return { ...draftOf({ ...request.input, items }, await keyOf(row, request)), cart };
}

/**
 * One claim must stand for one content, so what is in the cart belongs to what was asked under a key.
 *
 * Without a key the cart stands for one, in a scope of its own, at this version and with this request, so a double click
 * or a lost answer repeats the first answer. While an order lives it is the key that this order was placed under. When
 * that is dead the cart may be ordered again, and the dead one's answer would be wrong: the last order names the
 * generation. Other requests at once have other keys, and the guard lets one of them win.
 */
async function keyOf(
  { id, version, last_order_id, spent_by, spent_under }: CheckoutRow,
  { key, fingerprint }: CheckoutRequest,
): Promise<KeyClaim | null> {
  if (key) return { ...key, fingerprint: await sha256(`${key.fingerprint}\n${id} ${version}`) };
  const scope = `cart:${id}`;
  if (spent_by === null) {
    return { scope, key: `${version}.${last_order_id ?? "first"}:${fingerprint}`, fingerprint };
  }
  const repeats = spent_under?.endsWith(`:${fingerprint}`);
  return spent_under !== null && repeats ? { scope, key: spent_under, fingerprint } : null;
}
