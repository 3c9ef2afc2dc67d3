import { wakeUp } from "../events/work.ts";
import type { Context } from "../platform/context.ts";
import { all, sql } from "../platform/sql.ts";
import { moveOrders } from "./move.ts";
import type { Order } from "./order.ts";

/** How many orders one batch expires: a backlog is worked off by several. */
export const EXPIRE_BATCH = 200;

type Due = Pick<Order, "id" | "version" | "status" | "reference">;

/**
 * Expires orders that waited for their payment past their deadline. Called by the sweep and by holds that ask, by many
 * hands at once: the stamped batch lets one of them win each order. The `follow` owed is rung for; a hold that asked
 * learns of its order's end from the same rows.
 */
export async function expireOrders(context: Context, due: Due[]): Promise<number> {
  const moved = await moveOrders(
    context,
    due.map((order) => ({ order, reason: "no payment before the deadline" })),
    {
      to: "expired",
      event: "order.expired",
      operation: null,
      // A payment that was received and is not worked off may yet be in time: the order waits for it.
      guard: () => sql`orders.expires_at <= ${context.clock.now()} AND orders.events_owed = 0`,
    },
  );
  const won = moved.filter((move) => move.won);
  context.defer(
    wakeUp(
      context,
      won.map((move) => ({ id: move.followTaskId, task: "follow" })),
    ),
  );
  return won.length;
}

/** Orders past their deadline, oldest first, by the index of what waits. */
export function findDue(context: Context): Promise<Due[]> {
  return all(
    context.env.DB,
    sql<Due>`SELECT id, version, status, reference FROM orders INDEXED BY orders_due
      WHERE status = 'pending' AND expires_at <= ${context.clock.now()} AND events_owed = 0
      ORDER BY expires_at LIMIT ${EXPIRE_BATCH}`,
  );
}
