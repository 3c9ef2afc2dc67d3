import { ring } from "../events/work.ts";
import type { Context } from "../platform/context.ts";
import { allows } from "../platform/etag.ts";
import { readOrder } from "./find.ts";
import { sendFollow } from "./follow.ts";
import { mayBecome, type OrderStatus } from "./lifecycle.ts";
import { wasMadeBy } from "./made-by.ts";
import { moveOrders } from "./move.ts";
import type { Order } from "./order.ts";
import { oweRefund } from "./owe-refund.ts";
import { tellStock } from "./tell-stock.ts";
import { hasShipped } from "./units.ts";

export type CancelOutcome =
  | { kind: "cancelled"; order: Order }
  /** Too late, or cancelled before. */
  | { kind: "not_cancellable"; status: OrderStatus }
  /** The order is at none of the versions that were asked for. */
  | { kind: "stale" };

/** How often a cancel that lost to another change of its order looks again. Each loss means that the other went on. */
const MAX_TRIES = 3;

/**
 * Cancels an order that has shipped nothing, and frees its stock before it answers. One stamped batch decides; Stock is
 * told inline, and by the work owed if this worker dies before or while it tells. A paid order's refund is owed by the
 * same batch.
 * @param command.operation the same for every repeat of one command: a repeat finds its own cancel and succeeds again
 * @param command.versions at which it may be cancelled, as an If-Match names them; null for any
 */
export async function cancelOrder(
  context: Context,
  order: Order,
  command: { operation: string; reason: string | null; versions: number[] | null },
): Promise<CancelOutcome> {
  let current = order;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (current.status === "cancelled" && (await wasMadeBy(context, current.id, command.operation))) {
      await sendFollow(context, current);
      return { kind: "cancelled", order: current };
    }
    if (!allows(command.versions, current.version)) return { kind: "stale" };
    if (!mayBecome(current.status, "cancelled") || hasShipped(current)) break;

    const refund = oweRefund(context, current, null, command.reason ?? "the order was cancelled");
    const [moved] = await moveOrders(context, [{ order: current, reason: command.reason }], {
      to: "cancelled",
      event: "order.cancelled",
      operation: command.operation,
      ...refund,
    });
    if (moved?.won) {
      await tellStock(context, moved);
      context.defer(ring(context, refund.work));
      return { kind: "cancelled", order: moved.order };
    }
    current = moved?.order ?? (await readOrder(context, order.id)) ?? current;
  }
  return { kind: "not_cancellable", status: current.status };
}
