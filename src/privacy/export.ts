import { listAddresses } from "../accounts/addresses.ts";
import { listSessions } from "../accounts/sessions.ts";
import { readMe, renderAccount } from "../accounts/users.ts";
import { readOrder } from "../orders/read/find.ts";
import { listHistory } from "../orders/read/history.ts";
import { listOrders } from "../orders/read/list.ts";
import type { OrderWire } from "../orders/schemas.ts";
import { paymentsOf } from "../payments/list-payments.ts";
import { OWN } from "../permissions.ts";
import type { UserActor } from "../platform/actor.ts";
import type { Context } from "../platform/context.ts";
import { MAX_PAGE_SIZE } from "../platform/pagination.ts";

/** Each order is three calls to D1. */
const ORDERS = 20;
const WHOLE = { page: 1, page_size: MAX_PAGE_SIZE };

/** What the shop holds of one who is signed in, a page of their orders at a time. Null: they are gone. */
export async function exportOf(context: Context, actor: UserActor, cursor: string | undefined) {
  // As a buyer sees their own, also where they are one of the shop's people.
  const own: Context = { ...context, actor: { ...actor, permissions: [OWN] } };
  const [user, addresses, sessions, orders] = await Promise.all([
    readMe(context, actor.userId),
    listAddresses(context, actor.userId),
    listSessions(context, actor, WHOLE),
    listOrders(own, {
      ...{ page: 1, page_size: ORDERS, from: undefined, to: undefined },
      ...(cursor === undefined ? {} : { cursor }),
    }),
  ]);
  if (!user || orders.kind !== "list") return null;
  return {
    user: renderAccount(user),
    addresses,
    sessions: sessions.results,
    orders: await Promise.all(orders.list.results.map((order) => withMore(own, order))),
    next_cursor: orders.list.next_cursor,
  };
}

async function withMore(context: Context, wire: OrderWire) {
  const order = await readOrder(context, wire.id);
  const history = order ? (await listHistory(context, order, WHOLE)).results : [];
  return { ...wire, payments: await paymentsOf(context, wire.id), history };
}
