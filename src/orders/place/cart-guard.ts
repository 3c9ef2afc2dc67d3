import { each, type Sql, sql, trusted } from "../../platform/sql.ts";
import { LIVING_SQL } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import type { NamedOrder } from "./draft.ts";

/**
 * A cart is spent exactly while a living order names it: that is asked of the orders, and nowhere written down. So an
 * order that dies frees its cart in the batch by which it dies, and one that is revived spends it again.
 * @param cart SQL for the cart's id
 * @param columns of `living`, the order that has spent it
 * @param but SQL for the id of an order that does not count
 */
export const spentBy = (cart: string, columns: string, but = "''"): string =>
  `SELECT ${columns} FROM orders AS living WHERE living.cart_id = ${cart} AND living.status IN (${LIVING_SQL})
     AND living.id <> ${but} LIMIT 1`;

/**
 * What a claim's fate needs of its cart, in SQL over the JSON `row.value` of the fate: that the cart is still what was
 * read, and that nobody's order has spent it. Where it needs none there is none in the row. One batch must not have two
 * drafts of one cart: neither's order is there yet when both are asked about.
 */
export const CART_ALLOWS = sql`(row.value ->> 'cart' IS NULL OR (
    EXISTS (SELECT 1 FROM carts AS t WHERE t.id = row.value ->> 'cart' AND t.version = row.value ->> 'cart_version')
    AND NOT EXISTS (${trusted(spentBy("row.value ->> 'cart'", "1"))})))`;

/** The cart of a claim, as the batch left it: for who did not win. */
export const CART_STANDS = sql`
  (SELECT t.version FROM carts AS t WHERE t.id = row.value ->> 'cart') AS cart_version,
  (${trusted(spentBy("row.value ->> 'cart'", "json_object('id', living.id, 'reference', living.reference)"))}) AS spent_by`;

export const namedOrder = (json: string | null): NamedOrder | null =>
  json === null ? null : (JSON.parse(json) as NamedOrder);

/**
 * Tells carts of the orders that were recorded for them, rejected ones too. It is no guard: it ends the generation of
 * the keys that a cart stands for when it is checked out without one, and keeps it from being cleaned away.
 */
export const markCarts = (orders: Order[], stamp: string, now: number): Sql => sql`
  UPDATE carts SET last_order_id = o.id, updated_at = ${now}
  FROM ${each(orders.map(({ id }) => id))} AS row JOIN orders AS o ON o.id = row.value AND o.stamp = ${stamp}
  WHERE carts.id = o.cart_id`;
