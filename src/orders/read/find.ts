import type { Permission } from "../../permissions.ts";
import { may } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import { lacks } from "../../platform/http/permission-guard.ts";
import type { Subject } from "../../platform/idempotency.ts";
import { sha256 } from "../../platform/ids.ts";
import { first, type Sql, sql } from "../../platform/sql.ts";
import type { Order } from "../order.ts";
import { orderNotFound } from "../problems.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "../rows.ts";
import { orderOfLink } from "./link-token.ts";

const namedBy = (name: string): Sql =>
  name.startsWith("ord_") ? sql`o.id = ${name}` : sql`o.reference = ${name.toUpperCase()}`;

const selectWhere = (when: Sql): Sql<OrderRow> =>
  sql<OrderRow>`SELECT ${ORDER_COLUMNS} FROM orders AS o WHERE ${when}`;

/** Reads one order by its id or its reference. */
export const selectOrder = (name: string): Sql<OrderRow> => selectWhere(namedBy(name));

export async function readOrder(context: Context, name: string): Promise<Order | null> {
  const row = await first(context.env.DB, selectOrder(name));
  return row ? orderOf(row) : null;
}

/**
 * Whose `orders AS o` are: everybody's are theirs who have the permission, and else the buyer's who was signed in, or of
 * whoever holds a guest order's token. For all others it is not there, so that nobody learns whether it is. Hashes are
 * compared: how long it takes tells nothing of the token.
 */
async function openTo(
  { actor }: Context,
  permission: Permission,
  orderToken: string | undefined,
): Promise<Sql> {
  if (may(actor, permission)) return sql`true`;
  const own = actor.kind === "user" ? sql`o.user_id = ${actor.userId}` : sql`false`;
  return orderToken === undefined ? own : sql`(${own} OR o.access_token_hash = ${await sha256(orderToken)})`;
}

/**
 * An order, for those who may see it; whoever has the link of a mail may too. A mail is passed on, so its link shows the order,
 * and changes nothing: commands ask `orderSubject`.
 */
export async function findOrder(
  context: Context,
  name: string,
  orderToken: string | undefined,
): Promise<Order | null> {
  const linked = orderToken === undefined ? null : await orderOfLink(context, orderToken);
  const own = await openTo(context, "orders:read", orderToken);
  const visible = linked === null ? own : sql`(${own} OR o.id = ${linked})`;
  const when = sql`${namedBy(name)} AND ${visible}`;
  const row = await first(context.env.DB, selectWhere(when));
  return row ? orderOf(row) : null;
}

/** An order that a command is about, for those who may change it. */
export async function orderSubject(
  context: Context,
  name: string,
  orderToken?: string,
): Promise<Subject<OrderRow>> {
  const when = sql`${namedBy(name)} AND ${await openTo(context, "orders:write", orderToken)}`;
  return {
    read: selectWhere(when),
    exists: sql`EXISTS (SELECT 1 FROM orders AS o WHERE ${when})`,
    // Who may read it knows that it is there.
    missing:
      may(context.actor, "orders:read") && !may(context.actor, "orders:write")
        ? lacks("orders:write")
        : orderNotFound(context.actor, orderToken),
  };
}
