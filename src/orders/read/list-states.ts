import { COUNT_LIMIT_ROWS, decodeCursor, pageWindow } from "../../platform/pagination.ts";
import type { Page } from "../../platform/read-page.ts";
import { allOf, batch, constant, each, type Sql, sql, trusted } from "../../platform/sql.ts";
import { WORKED_ON } from "../delayed/find-lost.ts";
import { ORDER_STATUSES, type OrderStatus, PAYMENT_STATUSES, PRIORITIES, SHIPPABLE } from "../lifecycle.ts";
import { ORDER_COLUMNS, type OrderRow } from "../rows.ts";
import type { OrderListQuery } from "../schemas.ts";

/**
 * Orders by status, payment status or priority, or any of them together, or by time alone, newest first. One index has all three columns,
 * so that a sale writes one entry and not three. Each combination of values is a range of that index, and a page reads no
 * more than its own length of each range.
 * @param where more conditions on an order `o`: when it was placed, which the index answers, and such as few rows fail
 */
export async function readStates(
  db: D1Database,
  query: Omit<OrderListQuery, "from" | "to">,
  where: Sql[],
): Promise<Page<OrderRow>> {
  const { status, payment_status, priority, delayed, to_ship } = query;
  const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor);
  const { limit, offset } = pageWindow(query);
  const past = cursor ? [sql`(o.created_at, o.id) < (${cursor.key}, ${cursor.id})`] : [];
  const isAny = [status, payment_status, priority, delayed, to_ship].every((filter) => filter === undefined);
  const states = isAny ? ALL_STATES : each(statesOf(query));
  // Each range is read along the index alone, up to the length of the page; only the orders of the page are then read.
  const page = sql<OrderRow>`
    SELECT ${ORDER_COLUMNS} FROM (
      SELECT o.created_at AS at, o.id
      FROM ${states} AS state CROSS JOIN ${inState([...where, ...past])}
      ORDER BY o.created_at DESC, o.id DESC LIMIT ${limit} OFFSET ${offset}) AS page
    CROSS JOIN orders AS o ON o.id = page.id ORDER BY page.at DESC, page.id DESC`;
  const count = sql<{ counted: number }>`
    SELECT count(*) AS counted FROM (
      SELECT 1 FROM ${states} AS state CROSS JOIN ${inState(where)} LIMIT ${constant(COUNT_LIMIT_ROWS + 1)})`;
  const found = await batch(db, { page, count: cursor ? undefined : count });
  return {
    rows: found.page,
    counted: cursor ? null : (found.count[0]?.counted ?? 0),
    stopped: null,
    extra: [],
  };
}

/** The combinations of values: each is an array of the three. */
function statesOf({
  status = [...ORDER_STATUSES],
  payment_status = [...PAYMENT_STATUSES],
  priority = [...PRIORITIES],
  delayed,
  to_ship,
}: Pick<OrderListQuery, "status" | "payment_status" | "priority" | "delayed" | "to_ship">): string[][] {
  const statuses = status.filter(
    (one) => (delayed !== "true" || isWorkedOn(one)) && (to_ship !== "true" || SHIPPABLE.includes(one)),
  );
  return statuses.flatMap((one) =>
    payment_status.flatMap((paid) => priority.map((urgent) => [one, paid, urgent])),
  );
}

export const BY_STATE = trusted("orders AS o INDEXED BY orders_state");
const STATE = trusted("o.status, o.payment_status, o.priority");

/**
 * The combinations that there are orders in, one step along the index each: together their ranges are all orders, each by
 * when it was placed. Each step goes behind the last order of the one before, which is before a blob whatever its time is:
 * SQLite would otherwise go through all that are equal. It begins with a combination that no order
 * is in, and ends where a step would come to one that it knows.
 */
export const ALL_STATES = sql`(
  WITH RECURSIVE found (value) AS (
    SELECT '["", "", ""]'
    UNION
    SELECT (SELECT json_array(${STATE}) FROM ${BY_STATE}
      WHERE (${STATE}, o.created_at) > (found.value ->> 0, found.value ->> 1, found.value ->> 2, x'')
      ORDER BY ${STATE}, o.created_at LIMIT 1)
    FROM found WHERE found.value IS NOT NULL)
  SELECT value FROM found WHERE value IS NOT NULL)`;

/** Whether it is the order's: for `ALL_STATES AS state CROSS JOIN BY_STATE`. */
export const IS_STATE = trusted(
  "o.status = state.value ->> 0 AND o.payment_status = state.value ->> 1 AND o.priority = state.value ->> 2",
);

const isWorkedOn = (status: OrderStatus): boolean => WORKED_ON.includes(status);

const inState = (where: Sql[]): Sql => sql`${BY_STATE} WHERE ${allOf([IS_STATE, ...where])}`;
