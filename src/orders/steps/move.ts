import { type NewEvent, type NewTask, newTask } from "../../events/append.ts";
import { Commit } from "../../events/commit.ts";
import type { WakeUp } from "../../events/wake-up.ts";
import { may } from "../../platform/actor.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { each, nothing, type Sql, sql } from "../../platform/sql.ts";
import { type HistoryKind, isLiving, mayBecome, ORDER_STATUSES, type OrderStatus } from "../lifecycle.ts";
import type { Order } from "../order.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "../rows.ts";
import { KEEP_FIRST_VERSION, writeHistory } from "./history-statement.ts";
import { ITS_OBJECT, wonOrder } from "./stamped.ts";

/** One step of an order's life, from the version that was read. */
export interface Move {
  order: Pick<Order, "id" | "version" | "stamp" | "status" | "reference">;
  reason: string | null;
}

export interface Moved {
  order: Order;
  /** Whether this batch made the step. Otherwise the order is as another left it. */
  won: boolean;
  /** The task `follow` that was added for it, to be marked done once Stock was told; null where Stock has nothing to learn. */
  followTaskId: string | null;
}

/** What is to be woken of it. */
export const followOf = ({ followTaskId }: Moved): WakeUp[] =>
  followTaskId === null ? [] : [{ id: followTaskId, task: "follow" }];

/** What a batch does to the orders that it wins. */
export interface Step {
  /** The status that they enter; without it they stay in theirs. */
  to?: OrderStatus;
  /** The statuses that it may begin in, where the table of transitions does not say so for `to`. */
  from?: readonly OrderStatus[];
  /** When it is made, milliseconds; now by default. */
  at?: number;
  /** What it is in the order's history; a step of its life where it is left out. */
  kind?: HistoryKind;
  event: string;
  /** More for the event's data. */
  data?: Record<string, unknown>;
  /** More for the snapshot in the order's history. */
  snapshot?: Record<string, unknown>;
  /** The command's id, for a repeat to recognise its effect. */
  operation: string | null;
  /** SQL over `orders` that must hold besides the version. */
  guard?: (stamp: string) => Sql;
  /** Statements before the orders are won, such as the fate that a revival stands on. */
  first?: (stamp: string) => Sql[];
  /** Statements after the orders are won. Each must be joined on `orders.stamp`: for an order that was not won it must
   * write nothing. */
  besides?: (stamp: string) => (Sql | undefined)[];
  /** What `besides` writes into the order itself. */
  becomes?: Partial<
    Pick<Order, "items" | "paymentStatus" | "refunded" | "refundedUnits" | "shippingAddress">
  >;
  /** Tasks besides the `follow`; `object_id` is the order. */
  tasks?: NewTask[];
}

/**
 * Whether Stock has something to learn from a step: the order dies, its items are held or shipped otherwise, or it waits for
 * its payment no more. Being packed, delivered, taken back or refunded changes none of what an object keeps.
 */
const concernsStock = ({ to, becomes }: Pick<Step, "to" | "becomes">): boolean =>
  becomes?.items !== undefined || (to !== undefined && (to === "confirmed" || !isLiving(to)));

/** An order as a step leaves it that is made at this time. */
export const orderAfter = (
  order: Order,
  { to, becomes }: Pick<Step, "to" | "becomes">,
  at: number,
): Order => ({
  ...order,
  ...becomes,
  status: to ?? order.status,
  version: order.version + 1,
  updatedAt: at,
});

/**
 * Moves orders one step in one batch, each from its known version, with its history, its event and, where the
 * step concerns Stock, the `follow` that tells it. By the stamp rule an order that another moved first gets nothing of this, and is read back as it is.
 * Throws while a backup overwrites the shop.
 */
export async function moveOrders(context: Context, moves: Move[], step: Step): Promise<Moved[]> {
  const now = step.at ?? context.clock.now();
  const commit = new Commit(context);
  const { stamp } = commit;
  const won = wonOrder(ITS_OBJECT, stamp);
  const told = concernsStock(step) ? moves : [];
  const follows = new Map(told.map(({ order }) => [order.id, orderTask(context, "follow", order.id)]));

  commit.write(...(step.first?.(stamp) ?? []));
  commit.win(winOrders(moves, step, stamp, now));
  commit.write(...(step.besides?.(stamp) ?? []));
  commit.write(
    writeHistory({
      orders: moves.map(({ order, reason }) => ({
        ...{ id: order.id, from: order.status, reason, actor: context.actor.name },
      })),
      stamp,
      operation: step.operation,
      kind: step.kind ?? "transition",
      more: step.snapshot ?? {},
    }),
  );
  commit.events(
    moves.map((move) => eventOf(context, move, step, now)),
    won,
  );
  commit.owe([...follows.values(), ...(step.tasks ?? [])], won);
  if (step.to !== undefined && !isLiving(step.to)) {
    const endings = moves.map(({ order }) => orderTask(context, "end-payments", order.id));
    commit.owe(endings, hasPaymentsToEnd(stamp));
  }
  const standing = commit.read(
    sql<OrderRow>`SELECT ${ORDER_COLUMNS}
      FROM ${each(moves.map(({ order }) => order.id))} AS row JOIN orders AS o ON o.id = row.value`,
  );
  const committed = await commit.send();
  return committed.rows(standing).map((row) => ({
    order: orderOf(row),
    won: row.stamp === stamp,
    followTaskId: follows.get(row.id)?.id ?? null,
  }));
}

function winOrders(moves: Move[], { to, from, guard }: Step, stamp: string, now: number): Sql {
  const allowedFrom = from ?? ORDER_STATUSES.filter((status) => to === undefined || mayBecome(status, to));
  const rows = moves.map(({ order: { id, version, stamp: seen } }) => ({ id, version, stamp: seen }));
  // The triggers of the figures would write these by themselves, each a row more.
  const sold = sql` sold_at = coalesce(orders.sold_at, ${now}),`;
  const dropped = sql` dropped_at = iif(orders.sold_at IS NULL, NULL, ${now}),`;
  // Where the status stays, so does the time at which it was entered, and an order that was delayed still is.
  const entered =
    to === undefined
      ? sql``
      : sql`status = ${to}, status_at = ${now}, delayed_at = NULL, delayed_retries = 0,${to === "confirmed" ? sold : to === "cancelled" ? dropped : nothing}`;
  return sql`
    UPDATE orders SET ${entered} version = orders.version + 1, stamp = ${stamp}, updated_at = ${now},
      ${KEEP_FIRST_VERSION}
    FROM ${each(rows)} AS row
    WHERE orders.id = row.value ->> 'id' AND orders.version = row.value ->> 'version'
      AND orders.stamp = row.value ->> 'stamp'
      AND orders.status IN (SELECT value FROM ${each(allowedFrom)}) AND (${guard?.(stamp) ?? sql`true`})`;
}

const eventOf = (context: Context, { order, reason }: Move, step: Step, now: number): NewEvent => ({
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
    // What a buyer wrote stands in the history alone, from which it is erased with them.
    reason: may(context.actor, "orders:write") ? reason : null,
    ...step.data,
  },
});

/**
 * Whether a dead order has payments that a provider holds open, and that are to be ended. Not those of `standard`, which
 * takes money by the order's reference alone. Asked by the step itself, so that no way for an order to die forgets it;
 * the sweep wakes the task.
 */
const hasPaymentsToEnd = (stamp: string): Sql => sql`
  EXISTS (SELECT 1 FROM orders AS o JOIN payments AS p ON p.order_id = o.id
    WHERE o.id = ${ITS_OBJECT} AND o.stamp = ${stamp} AND p.status = 'open' AND p.provider <> 'standard')`;

const orderTask = (context: Context, task: "end-payments" | "follow", orderId: string): NewTask =>
  newTask(context, task, orderId, { order_id: orderId });
