import { appendEvents, type Guard, type NewWork, oweWork } from "../events/append.ts";
import type { Context } from "../platform/context.ts";
import { jsonParameter, rowsOf } from "../platform/d1.ts";
import { prefixed } from "../platform/ids.ts";
import { writeHistory } from "./history-statement.ts";
import { type OrderStatus, TRANSITIONS } from "./lifecycle.ts";
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

/**
 * Moves orders to one status in one batch, each from its known version: history, event and the `follow` that Stock is
 * owed come with it. By the stamp rule, an order that another moved first gets nothing of this, and is read back as it
 * is.
 * @param guard SQL over `orders` that must hold besides the version, its parameters numbered from ?6
 * @param operation the command's id, for a repeat to recognise its effect
 */
export async function moveOrders(
  context: Context,
  moves: Move[],
  step: { to: OrderStatus; event: string; operation: string | null; guard?: Guard },
): Promise<Moved[]> {
  const { env, clock } = context;
  const now = clock.now();
  const nonce = context.ids.next();
  const allowedFrom = (Object.keys(TRANSITIONS) as OrderStatus[]).filter((from) =>
    TRANSITIONS[from].includes(step.to),
  );
  const stamped: Guard = {
    sql: "EXISTS (SELECT 1 FROM orders AS o WHERE o.id = row.value ->> 'object_id' AND o.stamp = ?2)",
    parameters: [nonce],
  };
  const follows = new Map(moves.map(({ order }) => [order.id, followWork(context, order.id, now)]));
  const results = await env.DB.batch([
    env.DB.prepare(
      `UPDATE orders SET status = ?2, version = orders.version + 1, stamp = ?3, status_at = ?4, updated_at = ?4
       FROM json_each(?1) AS row
       WHERE orders.id = row.value ->> 'id' AND orders.version = row.value ->> 'version'
         AND orders.status IN (SELECT value FROM json_each(?5)) AND (${step.guard?.sql ?? "true"})`,
    ).bind(
      jsonParameter(moves.map(({ order }) => ({ id: order.id, version: order.version }))),
      step.to,
      nonce,
      now,
      jsonParameter(allowedFrom),
      ...(step.guard?.parameters ?? []),
    ),
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
        data: { reference: order.reference, from: order.status, status: step.to, reason },
      })),
      stamped,
    ),
    oweWork(env.DB, [...follows.values()], stamped),
    env.DB.prepare(
      `SELECT ${ORDER_COLUMNS} FROM json_each(?1) AS row JOIN orders AS o ON o.id = row.value`,
    ).bind(jsonParameter(moves.map(({ order }) => order.id))),
  ]);
  return rowsOf<OrderRow>(results, 4).map((row) => ({
    order: orderOf(row),
    won: row.stamp === nonce,
    followWorkId: follows.get(row.id)?.id ?? "",
  }));
}

function followWork(context: Context, orderId: string, now: number): NewWork {
  return {
    id: prefixed("wrk", context.ids.next()),
    task: "follow",
    object_id: orderId,
    payload: { order_id: orderId },
    not_before: now,
    request_id: context.requestId,
  };
}
