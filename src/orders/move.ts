import { appendEvents, type Guard, type NewWork, oweWork } from "../events/append.ts";
import type { Context } from "../platform/context.ts";
import { jsonParameter, rowsOf } from "../platform/d1.ts";
import { prefixed } from "../platform/ids.ts";
import { refuseWhileRestoring } from "../platform/restoring.ts";
import { writeHistory } from "./history-statement.ts";
import { isLiving, mayBecome, ORDER_STATUSES, type OrderStatus } from "./lifecycle.ts";
import type { Order } from "./order.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "./rows.ts";

/** One step of an order's life, from the version that was read. */
export interface Move {
  order: Pick<Order, "id" | "version" | "status" | "reference">;
  reason: string | null;
}

export interface Moved {
  order: Order;
  /** This batch made the step; else the order is as another left it. */
  won: boolean;
  /** The `follow` that is owed for it, to be settled when Stock was told. */
  followWorkId: string;
}

/** What a batch makes of the orders that it wins. */
export interface Step {
  /** The status they enter; left out, they stay in theirs. */
  to?: OrderStatus;
  /** Where it may begin, when that is not what the table of transitions says of `to`. */
  from?: readonly OrderStatus[];
  event: string;
  /** More for the event's data. */
  data?: Record<string, unknown>;
  /** The command's id, for a repeat to recognise its effect. */
  operation: string | null;
  /** SQL over `orders` that must hold besides the version; its parameters from ?6, and ?3 is the batch's nonce. */
  guard?: Guard;
  /** Statements before the orders are won, such as the fate that a revival stands on. */
  first?: (nonce: string) => D1PreparedStatement[];
  /** Statements after it, each joined on `orders.stamp`: what was not won must write nothing. */
  besides?: (nonce: string) => D1PreparedStatement[];
  /** What is owed besides the `follow`; `object_id` is the order. */
  work?: NewWork[];
}

/**
 * Moves orders one step in one batch, each from its known version: history, event and the `follow` that Stock is owed
 * come with it. By the stamp rule, an order that another moved first gets nothing of this, and is read back as it is.
 * Throws while a backup overwrites the shop.
 */
export async function moveOrders(context: Context, moves: Move[], step: Step): Promise<Moved[]> {
  const { env, clock } = context;
  const now = clock.now();
  const nonce = context.ids.next();
  const stamped: Guard = {
    sql: "EXISTS (SELECT 1 FROM orders AS o WHERE o.id = row.value ->> 'object_id' AND o.stamp = ?2)",
    parameters: [nonce],
  };
  const follows = new Map(moves.map(({ order }) => [order.id, followWork(context, order.id, now)]));
  const results = await env.DB.batch([
    refuseWhileRestoring(env.DB),
    ...(step.first?.(nonce) ?? []),
    winOrders(env.DB, moves, step, nonce, now),
    ...(step.besides?.(nonce) ?? []),
    writeHistory(env.DB, {
      orders: moves.map(({ order, reason }) => ({ id: order.id, from: order.status, reason })),
      stamp: nonce,
      actor: context.actor.name,
      operation: step.operation,
    }),
    appendEvents(
      env.DB,
      moves.map(({ order, reason }) => ({
        id: prefixed("evt", context.ids.next()),
        type: step.event,
        at: now,
        object_type: "order",
        object_id: order.id,
        object_version: order.version + 1,
        data: {
          reference: order.reference,
          from: order.status,
          status: step.to ?? order.status,
          reason,
          ...step.data,
        },
      })),
      stamped,
    ),
    oweWork(env.DB, [...follows.values(), ...(step.work ?? [])], stamped),
    ...(step.to === undefined || isLiving(step.to) ? [] : [oweEnding(context, moves, nonce, now)]),
    env.DB.prepare(
      `SELECT ${ORDER_COLUMNS} FROM json_each(?1) AS row JOIN orders AS o ON o.id = row.value`,
    ).bind(jsonParameter(moves.map(({ order }) => order.id))),
  ]);
  return rowsOf<OrderRow>(results, results.length - 1).map((row) => ({
    order: orderOf(row),
    won: row.stamp === nonce,
    followWorkId: follows.get(row.id)?.id ?? "",
  }));
}

function winOrders(
  db: D1Database,
  moves: Move[],
  { to, from, guard }: Step,
  nonce: string,
  now: number,
): D1PreparedStatement {
  const allowedFrom = from ?? ORDER_STATUSES.filter((status) => to === undefined || mayBecome(status, to));
  return db
    .prepare(
      `UPDATE orders SET status = COALESCE(?2, orders.status), version = orders.version + 1, stamp = ?3,
         status_at = CASE WHEN ?2 IS NULL THEN orders.status_at ELSE ?4 END, updated_at = ?4,
         delayed_at = CASE WHEN ?2 IS NULL THEN orders.delayed_at END,
         delayed_retries = CASE WHEN ?2 IS NULL THEN orders.delayed_retries ELSE 0 END
       FROM json_each(?1) AS row
       WHERE orders.id = row.value ->> 'id' AND orders.version = row.value ->> 'version'
         AND orders.status IN (SELECT value FROM json_each(?5)) AND (${guard?.sql ?? "true"})`,
    )
    .bind(
      jsonParameter(moves.map(({ order }) => ({ id: order.id, version: order.version }))),
      to ?? null,
      nonce,
      now,
      jsonParameter(allowedFrom),
      ...(guard?.parameters ?? []),
    );
}

/**
 * A dead order's open payments are to be ended where a provider holds them open: what `standard` takes, it takes by the
 * order's reference. Owed here, so that no way for an order to die forgets it; the sweep rings for it.
 */
function oweEnding(context: Context, moves: Move[], nonce: string, now: number): D1PreparedStatement {
  const work = moves.map(
    ({ order }): NewWork => ({
      id: prefixed("wrk", context.ids.next()),
      task: "end-payments",
      object_id: order.id,
      payload: { order_id: order.id },
      at: now,
      not_before: now,
      request_id: context.requestId,
    }),
  );
  return oweWork(context.env.DB, work, {
    sql: `EXISTS (SELECT 1 FROM orders AS o JOIN payments AS p ON p.order_id = o.id
      WHERE o.id = row.value ->> 'object_id' AND o.stamp = ?2 AND p.status = 'open' AND p.provider <> 'standard')`,
    parameters: [nonce],
  });
}

function followWork(context: Context, orderId: string, now: number): NewWork {
  return {
    id: prefixed("wrk", context.ids.next()),
    task: "follow",
    object_id: orderId,
    payload: { order_id: orderId },
    at: now,
    not_before: now,
    request_id: context.requestId,
  };
}
