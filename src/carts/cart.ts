import { NAMES, namedOrder, spentBy } from "../orders/place/cart-guard.ts";
import type { NamedOrder } from "../orders/place/draft.ts";
import type { Context } from "../platform/context.ts";
import { sha256 } from "../platform/ids.ts";
import { first, type Sql, sql, trusted } from "../platform/sql.ts";

/** What a request has to prove that a cart is its own: a signed-in user, a cart's token, or both. */
export interface Owner {
  userId: string | null;
  tokenHash: string | null;
}

/** Tokens are compared by their hashes, so that the time of a comparison tells nothing about a token. */
export async function ownerOf({ actor }: Context, token: string | undefined): Promise<Owner> {
  return {
    userId: actor.kind === "user" ? actor.userId : null,
    tokenHash: token === undefined ? null : await sha256(token),
  };
}

/**
 * A condition: the cart belongs to the owner. A user's cart belongs to that user alone, whoever created it. A guest's
 * belongs to whoever has its token, until it is merged. Staff have no special right, because a cart is no order yet.
 */
export function isOwnedBy(table: "c" | "carts", { userId, tokenHash }: Owner): Sql {
  const cart = trusted(table);
  return sql`(${cart}.merged_into IS NULL AND (${cart}.user_id = ${userId}
    OR (${cart}.user_id IS NULL AND ${cart}.token_hash = ${tokenHash})))`;
}

/** A cart with its products as they are now. Money is in minor units. */
export interface Cart {
  id: string;
  version: number;
  items: CartItem[];
  /** The living order that has spent the cart. */
  spentBy: NamedOrder | null;
  createdAt: number;
  updatedAt: number;
}

export interface CartItem {
  productId: string;
  sku: string;
  title: string;
  quantity: number;
  /** The product's current price. */
  price: number;
  currency: string;
  /** The price when the item was last put into the cart. */
  putPrice: number;
  putCurrency: string;
  /** False when the product was archived since. */
  active: boolean;
  /** Available units in all stores by the projection: a hint that may be seconds old. */
  available: number;
  /** How many one order may have; null for any number. */
  maxPerOrder: number | null;
}

export interface CartRow {
  id: string;
  version: number;
  stamp: string;
  items: string;
  spent_by: string | null;
  created_at: number;
  updated_at: number;
}

/** A column: the living order that has spent the cart, as JSON. */
export const SPENT_BY = sql`(${spentBy(sql`c.id`, NAMES)}) AS spent_by`;

/** Reads a cart and its items. The cost depends on the number of items, not of stores. */
export const readCart = (id: string, owner: Owner): Sql<CartRow> =>
  sql`SELECT c.id, c.version, c.stamp, c.created_at, c.updated_at, ${SPENT_BY},
       (SELECT json_group_array(json_object(
           'productId', p.id, 'sku', p.sku, 'title', p.title, 'quantity', i.quantity, 'price', p.price,
           'currency', p.currency, 'putPrice', i.unit_price, 'putCurrency', i.currency,
           'maxPerOrder', p.max_per_order, 'active', json(iif(p.active, 'true', 'false')),
           'available', coalesce((SELECT s.available FROM product_stock AS s WHERE s.product_id = p.id), 0)
         ) ORDER BY i.line, i.product_id)
        FROM cart_items AS i JOIN products AS p ON p.id = i.product_id WHERE i.cart_id = c.id) AS items
     FROM carts AS c WHERE c.id = ${id} AND ${isOwnedBy("c", owner)}`;

export const cartOf = (row: CartRow): Cart => ({
  id: row.id,
  version: row.version,
  items: JSON.parse(row.items) as CartItem[],
  spentBy: namedOrder(row.spent_by),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

/** The row of a cart in a list. */
export interface SummaryRow {
  id: string;
  version: number;
  total_items: number;
  spent_by: string | null;
  created_at: number;
  updated_at: number;
}

/** Null when there is no such cart or when it is not the owner's. */
export async function getCart(context: Context, id: string, owner: Owner): Promise<Cart | null> {
  const row = await first(context.env.DB, readCart(id, owner));
  return row ? cartOf(row) : null;
}
