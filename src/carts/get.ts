import type { Context } from "../platform/context.ts";
import { first } from "../platform/sql.ts";
import { type Cart, cartOf, readCart } from "./cart.ts";
import type { Owner } from "./owner.ts";

/** A cart for those whose it is, with prices and stock as they are now. Null for all others. */
export async function getCart(context: Context, id: string, owner: Owner): Promise<Cart | null> {
  const row = await first(context.env.DB, readCart(id, owner));
  return row ? cartOf(row) : null;
}
