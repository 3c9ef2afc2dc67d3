import type { Context } from "../platform/context.ts";
import { type Cart, type CartRow, cartOf, readCart } from "./cart.ts";
import type { Owner } from "./owner.ts";

/** A cart for those whose it is, with prices and stock as they are now. Null for all others. */
export async function getCart(context: Context, id: string, owner: Owner): Promise<Cart | null> {
  const row = await readCart(context.env.DB, id, owner).first<CartRow>();
  return row ? cartOf(row) : null;
}
