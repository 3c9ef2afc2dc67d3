import { wakeUp } from "../../events/wake-up.ts";
import type { Context } from "../../platform/context.ts";
import { all, sql } from "../../platform/sql.ts";
import type { Order } from "../order.ts";
import { mailTask } from "./mails.ts";
import { followOf, moveOrders } from "./move.ts";

/** Orders of one batch: a longer backlog takes several batches. */
const BATCH_ORDERS = 200;

type Due = Pick<Order, "id" | "version" | "stamp" | "status" | "reference">;

/**
 * Expires orders that waited for their payment, or for approval, past their deadline. The sweep calls it, and so do holds that ask, many at
 * once: by the stamp rule one of them wins each order. The `follow` of each is woken; a hold that asked learns of the end
 * of its order from the same rows.
 */
export async function expireOrders(context: Context, due: Due[]): Promise<number> {
  const mails = due.flatMap(({ id }) => mailTask(context, id, { template: "order_expired" }));
  const moved = await moveOrders(
    context,
    due.map((order) => ({ order, reason: "neither paid nor approved before the deadline" })),
    {
      to: "expired",
      event: "order.expired",
      operation: null,
      tasks: mails,
      // A payment event that was received and not worked off yet may be in time: the order waits for it.
      guard: () => sql`orders.expires_at <= ${context.clock.now()} AND orders.events_owed = 0`,
    },
  );
  const won = moved.filter((move) => move.won);
  const ids = new Set(won.map(({ order }) => order.id));
  const owed = mails.filter((mail) => ids.has(mail.object_id));
  context.defer(wakeUp(context, [...won.flatMap(followOf), ...owed]));
  return won.length;
}

/** Orders past their deadline, oldest first. */
function findDue(context: Context): Promise<Due[]> {
  return all(
    context.env.DB,
    sql<Due>`SELECT id, version, stamp, status, reference FROM orders INDEXED BY orders_due
      WHERE status = 'pending' AND expires_at <= ${context.clock.now()} AND events_owed = 0
      ORDER BY expires_at LIMIT ${BATCH_ORDERS}`,
  );
}

/** Batches of one run: what is left over is for the next minute. */
const MAX_BATCHES = 25;

/** Job `expire-unpaid`: expires the orders that waited too long for their payment or approval. Returns how many. */
export async function expireUnpaid(context: Context): Promise<number> {
  let expired = 0;
  for (let batches = 0; batches < MAX_BATCHES; batches++) {
    const due = await findDue(context);
    if (due.length > 0) expired += await expireOrders(context, due);
    if (due.length < BATCH_ORDERS) break;
  }
  return expired;
}
