import { namedOrder, spentBy } from "../orders/place/cart-guard.ts";
import type { NamedOrder } from "../orders/place/draft.ts";
import { type Sql, sql, trusted } from "../platform/sql.ts";
import { isTheirs, type Owner } from "./owner.ts";

/** A cart as D1 has it, with its products as they are now. Money is in minor units. */
export interface Cart {
  id: string;
  version: number;
  items: CartItem[];
  /** The living order that has spent it. */
  spentBy: NamedOrder | null;
  createdAt: number;
  updatedAt: number;
}

export interface CartItem {
  productId: string;
  sku: string;
  title: string;
  quantity: number;
  /** Now. */
  price: number;
  currency: string;
  /** When the item was last put. */
  putPrice: number;
  putCurrency: string;
  /** False: the product was archived since. */
  active: boolean;
  /** Free units over all stores by the projection: a hint that may be seconds old. */
  available: number;
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

/** SQL for the living order that has spent a cart, as JSON. */
export const SPENT_BY = trusted(
  `(${spentBy("c.id", "json_object('id', living.id, 'reference', living.reference)")}) AS spent_by`,
);

/** One statement reads all of a cart that is shown: it costs in proportion to its items, however many stores there are. */
export const readCart = (id: string, owner: Owner): Sql<CartRow> =>
  sql`SELECT c.id, c.version, c.stamp, c.created_at, c.updated_at, ${SPENT_BY},
       (SELECT json_group_array(json_object(
           'productId', p.id, 'sku', p.sku, 'title', p.title, 'quantity', i.quantity, 'price', p.price,
           'currency', p.currency, 'putPrice', i.unit_price, 'putCurrency', i.currency,
           'active', json(iif(p.active, 'true', 'false')),
           'available', coalesce((SELECT s.available FROM product_stock AS s WHERE s.product_id = p.id), 0)
         ) ORDER BY i.line, i.product_id)
        FROM cart_items AS i JOIN products AS p ON p.id = i.product_id WHERE i.cart_id = c.id) AS items
     FROM carts AS c WHERE c.id = ${id} AND ${isTheirs("c", owner)}`;

export const cartOf = (row: CartRow): Cart => ({
  id: row.id,
  version: row.version,
  items: JSON.parse(row.items) as CartItem[],
  spentBy: namedOrder(row.spent_by),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

/** A cart in a list, as D1 has it. */
export interface SummaryRow {
  id: string;
  version: number;
  total_items: number;
  spent_by: string | null;
  created_at: number;
  updated_at: number;
}
