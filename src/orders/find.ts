import { isStaff } from "../platform/actor.ts";
import type { Context } from "../platform/context.ts";
import { sha256 } from "../platform/ids.ts";
import { first, sql, trusted } from "../platform/sql.ts";
import type { Order } from "./order.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "./rows.ts";

/** Reads one order by its id or its reference, on the primary. */
export async function readOrder(context: Context, name: string): Promise<Order | null> {
  const named = name.startsWith("ord_") ? sql`o.id = ${name}` : sql`o.reference = ${name.toUpperCase()}`;
  const row = await first(
    context.env.DB,
    sql<OrderRow>`SELECT ${trusted(ORDER_COLUMNS)} FROM orders AS o WHERE ${named}`,
  );
  return row ? orderOf(row) : null;
}

/**
 * An order for those who may see it: staff, the buyer who was signed in, or whoever holds a guest order's token. Null
 * for all others, so that nobody learns whether it is there.
 */
export async function findOrder(
  context: Context,
  name: string,
  orderToken: string | undefined,
): Promise<Order | null> {
  const order = await readOrder(context, name);
  if (!order) return null;
  const { actor } = context;
  if (isStaff(actor)) return order;
  if (actor.kind === "user" && order.userId === actor.userId) return order;
  if (orderToken === undefined || order.accessTokenHash === null) return null;
  // Hashes are compared, so how long it takes tells nothing of the token.
  return (await sha256(orderToken)) === order.accessTokenHash ? order : null;
}
