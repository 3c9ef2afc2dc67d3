import { isStaff } from "../platform/actor.ts";
import type { Context } from "../platform/context.ts";
import { type List, toList } from "../platform/pagination.ts";
import { type Condition, readPage } from "../platform/read-page.ts";
import { renderOrder } from "./render.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "./rows.ts";
import type { OrderListQuery, OrderWire } from "./schemas.ts";

/**
 * Orders, newest first: staff see all, a buyer their own. Theirs are few, so they are always found by whose they are:
 * a filter's own index would lead through everybody's.
 */
export async function listOrders(context: Context, query: OrderListQuery): Promise<List<OrderWire>> {
  const { actor } = context;
  const buyer = actor.kind === "user" && !isStaff(actor) ? actor.userId : null;
  const own = { sql: "o.user_id = ?", parameters: [buyer] };
  const page = await readPage<OrderRow>(
    context.env.DB,
    {
      select: ORDER_COLUMNS,
      from: buyer === null ? "orders AS o" : "orders AS o INDEXED BY orders_user",
      where: [...(buyer === null ? [] : [own]), ...filters(context, query)],
      key: "o.created_at",
      id: "o.id",
      direction: "DESC",
    },
    query,
  );
  return toList(
    query,
    page.rows,
    page.counted,
    (row) => ({ key: row.created_at, id: row.id }),
    (row) => renderOrder(orderOf(row)),
  );
}

function filters({ settings, clock }: Context, query: OrderListQuery): Condition[] {
  const delayedBefore = clock.now() - settings.DELAYED_AFTER_MINUTES * 60_000;
  const all: (Condition | undefined)[] = [
    equals("o.status", query.status),
    equals("o.payment_status", query.payment_status),
    equals("o.priority", query.priority),
    equals("o.batch_id", query.batch_id),
    equals("o.customer_email", query.customer_email),
    query.store_id === undefined
      ? undefined
      : {
          sql: "o.id IN (SELECT order_id FROM order_stores WHERE store_id = ?)",
          parameters: [query.store_id],
        },
    query.q === undefined ? undefined : beginsWith(query.q),
    query.from === undefined ? undefined : { sql: "o.created_at >= ?", parameters: [query.from] },
    query.to === undefined ? undefined : { sql: "o.created_at <= ?", parameters: [query.to] },
    query.delayed === "true"
      ? {
          sql: "o.status IN ('confirmed', 'processing', 'shipped') AND o.status_at < ?",
          parameters: [delayedBefore],
        }
      : undefined,
  ];
  return all.filter((condition) => condition !== undefined);
}

const equals = (column: string, value: string | undefined): Condition | undefined =>
  value === undefined ? undefined : { sql: `${column} = ?`, parameters: [value] };

/** A range over each index, rather than LIKE: what is typed is never a pattern. */
function beginsWith(text: string): Condition {
  const reference = text.toUpperCase();
  const email = text.toLowerCase();
  const after = "\u{10FFFF}";
  return {
    sql: "(o.reference BETWEEN ? AND ? OR o.customer_email BETWEEN ? AND ?)",
    parameters: [reference, reference + after, email, email + after],
  };
}
