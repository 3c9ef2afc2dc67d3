import { each, type Sql, sql } from "../../platform/sql.ts";
import { livingSql } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import type { NamedOrder } from "./draft.ts";

/**
 * A cart is spent exactly while a living order names it. That is read from the orders and stored nowhere else, so an
 * order that dies frees its cart in the very batch by which it dies, and one that is revived spends it again.
 * @param cart SQL for the cart's id
 * @param columns of `living`, the order that has spent it
 * @param but SQL for the id of an order that does not count
 */
export const spentBy = (cart: Sql, columns: Sql, but = sql`''`): Sql =>
  sql`SELECT ${columns} FROM orders AS living WHERE living.cart_id = ${cart} AND ${livingSql("living")}
     AND living.id <> ${but} LIMIT 1`;

/** For `spentBy`: the order by its names, as JSON. See `namedOrder`. */
export const NAMES = sql`json_object('id', living.id, 'reference', living.reference)`;

/**
 * What a fate requires of its cart, in SQL over `row.value`, the fate as JSON: the cart is still at the version that was
 * read, and no living order has spent it. A row without a cart requires nothing. One batch must not have two drafts of
 * one cart, since neither's order is there yet when this is asked for both.
 */
export const CART_ALLOWS = sql`(row.value ->> 'cart' IS NULL OR (
    EXISTS (SELECT 1 FROM carts AS t WHERE t.id = row.value ->> 'cart' AND t.version = row.value ->> 'cart_version')
    AND NOT EXISTS (${spentBy(sql`row.value ->> 'cart'`, sql`1`)})))`;

/** The cart of a claim as the batch left it: it tells why a claim was not won. */
export const CART_STATE = sql`
  (SELECT t.version FROM carts AS t WHERE t.id = row.value ->> 'cart') AS cart_version,
  (${spentBy(sql`row.value ->> 'cart'`, NAMES)}) AS spent_by`;

export const namedOrder = (json: string | null): NamedOrder | null =>
  json === null ? null : (JSON.parse(json) as NamedOrder);

/**
 * Writes to carts which order was recorded for them, rejected ones too. It guards nothing. A checkout without an
 * Idempotency-Key makes its key from the cart and this order, so the next one gets another key; and a cart that was just
 * ordered from is not purged.
 */
export const markCarts = (orders: Order[], stamp: string, now: number): Sql => sql`
  UPDATE carts SET last_order_id = o.id, updated_at = ${now}
  FROM ${each(orders.map(({ id }) => id))} AS row JOIN orders AS o ON o.id = row.value AND o.stamp = ${stamp}
  WHERE carts.id = o.cart_id`;
