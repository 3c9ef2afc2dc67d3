import { encodeTime } from "ulid";
import { may } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import type { Range } from "../../platform/http/range.ts";
import { prefixed } from "../../platform/ids.ts";
import { type List, toList } from "../../platform/pagination.ts";
import { type Page, type PageSource, readPage } from "../../platform/read-page.ts";
import { each, type Sql, sql, trusted } from "../../platform/sql.ts";
import { IN_WORK } from "../delayed/find-lost.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "../rows.ts";
import type { OrderListQuery, OrderWire } from "../schemas.ts";
import { findByText, isMeant } from "./find-by-text.ts";
import { readStates } from "./list-states.ts";
import { renderOrder } from "./render.ts";
import { isToShip } from "./to-ship.ts";

/**
 * Orders, newest first: staff see all, a buyer their own. A list is read along the index of the filter that leaves the
 * fewest orders; the other filters are applied to each of these, to no more than `SCAN_LIMIT_ROWS` orders a request.
 */
export async function listOrders(context: Context, query: OrderFilter): Promise<ListOutcome> {
  const page = await readOrders(context, query);
  if (query.store_id !== undefined && page.extra.length === 0) return { kind: "unknown_store" };
  const list = toList(
    query,
    page.rows,
    page.counted,
    (row) => ({ key: row.createdAt, id: row.id }),
    (row) => renderOrder(orderOf(row)),
    page.stopped,
  );
  return { kind: "list", list };
}

export type OrderFilter = Omit<OrderListQuery, "from" | "to"> & Range;

export type ListOutcome = { kind: "list"; list: List<OrderWire> } | { kind: "unknown_store" };

/** The conditions of a request, by the index that each could be read along. */
interface Filters {
  owner: Sql[];
  batch: Sql[];
  email: Sql[];
  store: Sql[];
  text: Sql[];
  state: Sql[];
  delayed: Sql[];
  toShip: Sql[];
  time: Sql[];
}

/** The indexes, tried in this order. Orders of a store are sorted by their ids, which are ordered by time too. */
const LEADS = [
  { by: "owner", from: "orders AS o INDEXED BY orders_user" },
  { by: "batch", from: "orders AS o INDEXED BY orders_batch" },
  { by: "email", from: "orders AS o INDEXED BY orders_email" },
  { by: "store", from: "order_stores AS s CROSS JOIN orders AS o ON o.id = s.order_id" },
] as const;

/** Ids are ordered by time. */
const BY_ID = { key: null, id: "o.id" };
const BY_STORE = { key: null, id: "s.order_id" };

interface Known {
  known: 1;
}

async function readOrders(context: Context, query: OrderFilter): Promise<Page<OrderRow, Known>> {
  const { DB } = context.env;
  const filters = filtersOf(context, query);
  const { store_id } = query;
  // In the page's own batch: whether there is such a store.
  const store =
    store_id === undefined ? undefined : sql<Known>`SELECT 1 AS known FROM stores WHERE id = ${store_id}`;
  const walk = (from: string, where: Sql[], others: Partial<Filters>, sorted: Partial<PageSource> = {}) => {
    const filter = Object.values(others).flat();
    const order = { key: "o.created_at", id: "o.id", direction: "DESC" } as const;
    const source = { select: ORDER_COLUMNS, from, where, ...order, ...sorted };
    return readPage<OrderRow, Known>(DB, filter.length === 0 ? source : { ...source, filter }, query, store);
  };

  for (const { by, from } of LEADS) {
    const { [by]: lead, ...others } = filters;
    if (lead.length === 0) continue;
    if (by === "store") return walk(from, is(sql`s.store_id =`, query.store_id), others, BY_STORE);
    const { time, ...rest } = others;
    return walk(from, [...lead, ...time], rest);
  }
  const { time, ...others } = filters;
  if (query.q !== undefined) {
    const found = await findByText(DB, query.q);
    if (found) return walk("orders AS o NOT INDEXED", [found, ...time], others);
    return walk("orders AS o", madeUntil(query.to), filters, BY_ID);
  }
  const isByState = [...filters.state, ...filters.delayed, ...filters.toShip, ...time].length > 0;
  return isByState
    ? readStates(DB, query, [...time, ...filters.delayed, ...filters.toShip])
    : walk("orders AS o", [], {}, BY_ID);
}

function filtersOf({ actor, settings, clock }: Context, query: OrderFilter): Filters {
  const longAgo = clock.now() - settings.DELAYED_AFTER_MINUTES * 60_000;
  return {
    owner: actor.kind === "user" && !may(actor, "orders:read") ? [sql`o.user_id = ${actor.userId}`] : [],
    batch: is(sql`o.batch_id =`, query.batch_id),
    email: is(sql`o.customer_email =`, query.customer_email),
    store:
      query.store_id === undefined
        ? []
        : [
            sql`EXISTS (SELECT 1 FROM order_stores AS s WHERE s.store_id = ${query.store_id} AND s.order_id = o.id)`,
          ],
    text: query.q === undefined ? [] : [isMeant(query.q)],
    state: [
      ...isAmong(sql`o.status`, query.status),
      ...isAmong(sql`o.payment_status`, query.payment_status),
      ...isAmong(sql`o.priority`, query.priority),
    ],
    delayed:
      query.delayed === "true"
        ? // An order that entered its status long ago was created long ago too: the condition lets the index skip new orders.
          [trusted(IN_WORK), sql`o.created_at < ${longAgo}`, sql`o.status_at < ${longAgo}`]
        : [],
    toShip: query.to_ship === "true" ? [isToShip(query.store_id)] : [],
    time: [...is(sql`o.created_at >=`, query.from), ...is(sql`o.created_at <=`, query.to)],
  };
}

/** By how much the clock that an order's id comes from may be ahead of the one that says when it was placed. */
const MAX_SKEW_MS = 3_600_000;

/** Skips what is newer: an order's id is drawn before it is placed, if long before at times. @param to milliseconds */
const madeUntil = (to: number | undefined): Sql[] =>
  is(sql`o.id <`, to === undefined ? undefined : prefixed("ord", encodeTime(to + MAX_SKEW_MS).toLowerCase()));

/** A comparison with a value; no condition where there is none. */
const is = (compared: Sql, value: string | number | undefined): Sql[] =>
  value === undefined ? [] : [sql`${compared} ${value}`];

const isAmong = (column: Sql, values: string[] | undefined): Sql[] => {
  if (values === undefined) return [];
  const [only] = values;
  return values.length === 1
    ? [sql`${column} = ${only ?? ""}`]
    : [sql`${column} IN (SELECT value FROM ${each(values)})`];
};
