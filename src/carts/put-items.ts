import { Commit } from "../events/commit.ts";
import { spentBy } from "../orders/place/cart-guard.ts";
import type { NamedOrder } from "../orders/place/draft.ts";
import { MAX_ITEMS } from "../orders/schemas.ts";
import type { Context } from "../platform/context.ts";
import { allows, allowsVersion } from "../platform/http/etag.ts";
import { constant, each, sql } from "../platform/sql.ts";
import { type Cart, cartOf, isOwnedBy, type Owner, readCart } from "./cart.ts";

/** Which cart is to be changed, and by whom. */
export interface CartCommand {
  cartId: string;
  owner: Owner;
  /** The versions of the cart that it may change; null for any. */
  versions: number[] | null;
}

/** How much of a product the cart is to have in all; 0 takes it out. */
export interface Put {
  product_id: string;
  quantity: number;
}

export type PutOutcome =
  | { kind: "changed"; cart: Cart }
  /** All that was to be taken out was not there, and nothing was to be put. */
  | { kind: "absent"; cart: Cart }
  | { kind: "not_found" }
  | { kind: "stale" }
  /** A living order has spent the cart, so its items must stay as they were ordered. */
  | { kind: "spent"; order: NamedOrder }
  /** What the guard refused; `at`: where these stand in the list. */
  | { kind: "unknown_product"; at: number[] }
  | { kind: "mixed_currencies"; at: number[]; currencies: string[] }
  | { kind: "too_many"; at: number[] };

interface Product {
  id: string;
  currency: string;
}

/**
 * Sets the quantities of products in a cart, all or none, in one batch by the stamp rule: the first statement wins the cart's
 * next version if it can, the writes are joined on its stamp, and the others read. What is put takes note of its present
 * price, so that a later change can be shown. Two changes at the same time both succeed, unless one names a version.
 *
 * The guard: what is put is on sale. If some of it is not in the cart yet, the cart must have room, and all that it then has on
 * sale one currency. An item that is there can always be changed, even if a merge or a new price has brought in another.
 * @param items each product once
 */
export async function putItems(
  context: Context,
  { cartId, owner, versions }: CartCommand,
  items: Put[],
): Promise<PutOutcome> {
  const put = items.filter(({ quantity }) => quantity > 0);
  const putIds = put.map(({ product_id }) => product_id);
  const gone = items.filter(({ quantity }) => quantity === 0).map(({ product_id }) => product_id);

  const inCart = sql`SELECT i.product_id FROM cart_items AS i WHERE i.cart_id = carts.id`;
  const named = items.map(({ product_id }) => product_id);
  const then = sql`(SELECT value AS id FROM ${each(putIds)}
    UNION ALL ${inCart} AND i.product_id NOT IN (SELECT value FROM ${each(named)}))`;
  const onSale = sql<Product>`SELECT p.id, p.currency FROM ${each(putIds)} AS put CROSS JOIN products AS p ON p.id = put.value
    WHERE p.active = 1`;
  const mayPut = sql`(SELECT count(*) FROM (${onSale})) = ${putIds.length}
    AND (NOT EXISTS (SELECT 1 FROM ${each(putIds)} WHERE value NOT IN (${inCart}))
      OR ((SELECT count(*) FROM ${then}) <= ${constant(MAX_ITEMS)}
        AND (SELECT min(p.currency) = max(p.currency) FROM products AS p WHERE p.active = 1 AND p.id IN ${then})))`;
  const guard =
    put.length > 0 ? mayPut : sql`EXISTS (${inCart} AND i.product_id IN (SELECT value FROM ${each(gone)}))`;

  const commit = new Commit(context, "none");
  const { stamp } = commit;
  commit.win(sql`UPDATE carts SET version = version + 1, stamp = ${stamp}, updated_at = ${context.clock.now()}
    WHERE id = ${cartId} AND ${isOwnedBy("carts", owner)} AND NOT EXISTS (${spentBy(sql`carts.id`, sql`1`)})
      AND ${allowsVersion(versions)} AND (${guard})`);
  commit.write(
    gone.length > 0
      ? sql`DELETE FROM cart_items WHERE cart_id = ${cartId} AND product_id IN (SELECT value FROM ${each(gone)})
          AND EXISTS (SELECT 1 FROM carts AS c WHERE c.id = ${cartId} AND c.stamp = ${stamp})`
      : undefined,
    put.length > 0
      ? sql`INSERT INTO cart_items (cart_id, product_id, line, quantity, unit_price, currency)
          SELECT c.id, p.id, put.key + 1 + (SELECT coalesce(max(line), -1) FROM cart_items WHERE cart_id = c.id),
            put.value ->> 'quantity', p.price, p.currency
          FROM carts AS c CROSS JOIN ${each(put)} AS put CROSS JOIN products AS p ON p.id = put.value ->> 'product_id'
          WHERE c.id = ${cartId} AND c.stamp = ${stamp}
          ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = excluded.quantity,
            unit_price = excluded.unit_price, currency = excluded.currency`
      : undefined,
  );
  const products = put.length > 0 ? commit.read(onSale) : null;
  const carts = commit.read(readCart(cartId, owner));
  const committed = await commit.send();
  const row = committed.first(carts);
  if (!row) return { kind: "not_found" };
  const cart = cartOf(row);
  if (row.stamp === stamp) return { kind: "changed", cart };
  if (!allows(versions, cart.version)) return { kind: "stale" };
  if (cart.spentBy) return { kind: "spent", order: cart.spentBy };
  if (!products) return { kind: "absent", cart };
  return refusalOf(cart, items, committed.rows(products));
}

/** Why the guard refused, as the cart and the products stood when it did. */
function refusalOf(cart: Cart, items: Put[], onSale: Product[]): PutOutcome {
  const sold = new Map(onSale.map(({ id, currency }) => [id, currency]));
  const named = new Set(items.map(({ product_id }) => product_id));
  const had = new Set(cart.items.map(({ productId }) => productId));
  const at = (is: (item: Put) => boolean) =>
    items.flatMap((item, index) => (item.quantity > 0 && is(item) ? [index] : []));
  const unknown = at(({ product_id }) => !sold.has(product_id));
  if (unknown.length > 0) return { kind: "unknown_product", at: unknown };
  const stay = cart.items.filter(({ productId }) => !named.has(productId));
  const currencies = new Set([
    ...stay.filter(({ active }) => active).map(({ currency }) => currency),
    ...sold.values(),
  ]);
  const added = at(({ product_id }) => !had.has(product_id));
  if (currencies.size > 1) return { kind: "mixed_currencies", at: added, currencies: [...currencies] };
  const excess = stay.length + sold.size - MAX_ITEMS;
  return { kind: "too_many", at: added.slice(-excess) };
}
