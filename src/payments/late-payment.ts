import { findWaiting } from "../claims/contention.ts";
import { abandon } from "../claims/fates.ts";
import { claimOf } from "../claims/ids.ts";
import { letGo } from "../claims/let-go.ts";
import { heldAllocations, type Reservation, reserveAll, tryAgain } from "../claims/reserve.ts";
import type { NewTask } from "../events/append.ts";
import type { TaskOutcome } from "../events/run-tasks.ts";
import type { Order, OrderItem } from "../orders/order.ts";
import { tasksOnPayment } from "../orders/steps/confirmation.ts";
import { sendFollow } from "../orders/steps/follow.ts";
import type { Moved } from "../orders/steps/move.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";
import { notRestoredSince } from "../platform/restoring.ts";
import { run, sql } from "../platform/sql.ts";
import { changeMoney } from "./change.ts";
import type { Money, Payment, PaymentEvent, RevivalClaim } from "./money.ts";
import { capturedBy, giveBack } from "./settle-parts.ts";

/** `again`: another worker was faster, or a dead claim was replaced, so the event must be read and decided again. */
export type LateOutcome =
  | TaskOutcome
  | { kind: "settled"; moved: Moved; tasks: NewTask[] }
  | { kind: "again" };

interface Late {
  event: PaymentEvent;
  money: Money;
  revival: RevivalClaim;
  into: Payment | null;
}

/**
 * Settles a payment for an order that has expired. All late payments of an order share one claim, as twins share their
 * key's: with a claim each, one could fall short only because of the other's holds. The order's old claim lets go
 * everywhere before the first revival claim is set, and each dead one before the next. One batch writes the claim's fate
 * and what follows from it: the revival of the order, or the refund of this event's payment. If the worker dies in here,
 * the event is still owed, and whoever works it off next either goes on with the claim or finds it dead.
 *
 * An order whose cart was checked out again since is not revived, whatever the stock says, or two living orders would name
 * that cart. That the cart is free is a guard of the revival's fate, too.
 */
export async function settleLate(context: Context, late: Late): Promise<LateOutcome> {
  const { money, revival } = late;
  if (revival.fate !== null) return replaceClaim(context, late);
  if (revival.cartSpent) return record(context, late, { cause: "cart_spent" });

  const reservation = await reserve(context, revival.claim, money.order);
  const held = heldAllocations(reservation);
  const outcomes = [...reservation.values()];
  if (!held && outcomes.some(({ kind }) => kind === "unknown" || kind === "settled")) {
    return giveUp(context, late, "the stock for a late payment could not be held");
  }
  try {
    return await record(context, late, held ? { held } : { cause: "out_of_stock" });
  } catch (error) {
    context.log.error("the outcome of a late payment is not known", { error: describeError(error) });
    return giveUp(context, late, "the outcome of a late payment was not known");
  }
}

/** Prefers the stores that held the units before; others may serve, unless the buyer named a store. */
async function reserve(context: Context, claim: string, order: Order): Promise<Reservation> {
  const { storeId } = order;
  const before = ({ allocations }: OrderItem) =>
    storeId === null ? allocations.map(({ store_id }) => store_id) : [storeId];
  const wanted = { claim, order, stores: new Map(order.items.map((item) => [item.productId, before(item)])) };
  const reservations = await reserveAll(context, [wanted], null);
  await tryAgain(context, await findWaiting(context, reservations), null);
  const reservation = reservations.get(wanted);
  if (!reservation) throw new Error("a claim got no reservation");
  return reservation;
}

type Held = NonNullable<ReturnType<typeof heldAllocations>>;

/** Writes the fate and what follows from it in one batch. If another fate was faster, the next try obeys that. */
async function record(
  context: Context,
  { event, money, revival: { claim }, into }: Late,
  outcome: { held: Held } | { cause: "out_of_stock" | "cart_spent" },
): Promise<LateOutcome> {
  const { order } = money;
  if ("cause" in outcome) {
    const refund = giveBack(context, event, money, into, outcome.cause);
    const moved = await changeMoney(context, money, { ...refund, fate: { claim, fate: "rejected" } });
    if (!moved.won) return { kind: "again" };
    context.defer(letGo(context, [{ claim, productIds: productsOf(order) }]));
    return { kind: "settled", moved, tasks: refund.tasks };
  }
  const captured = capturedBy(context, event, money, into);
  const tasks = tasksOnPayment(context, order);
  const moved = await changeMoney(context, money, {
    event: "order.paid",
    reason: "paid after it had expired",
    data: { payment_id: captured.id, amount: captured.captured, late: true },
    to: "confirmed",
    closes: { event, state: "done", outcome: "late_paid" },
    captured,
    fate: { claim, fate: "placed", items: order.items.map((item) => allocated(item, outcome.held)) },
    tasks,
  });
  return moved.won ? { kind: "settled", moved, tasks } : { kind: "again" };
}

const allocated = (item: OrderItem, held: Held): OrderItem => ({
  ...item,
  allocations: (held.get(item.productId) ?? []).map((allocation) => ({ ...allocation, shipped: 0 })),
});

const productsOf = (order: Order): string[] => order.items.map((item) => item.productId);

/** Gives the claim up, as placing does, and obeys the fate that stands. */
async function giveUp(context: Context, late: Late, error: string): Promise<LateOutcome> {
  const { claim } = late.revival;
  const fate = await abandon(context, claim);
  // Placed or rejected by another worker: the next try finds what that means for this event.
  if (fate !== "abandoned") return { kind: "again" };
  const replaced = await replaceClaim(context, late);
  return replaced.kind === "again" ? { kind: "failed", error } : replaced;
}

/** A dead claim lets go everywhere, and only then the order gets a fresh revival claim, by compare-and-set. */
async function replaceClaim(context: Context, { money: { order }, revival }: Late): Promise<LateOutcome> {
  const released =
    revival.claim === order.claimId
      ? await sendFollow(context, order)
      : (await letGo(context, [{ claim: revival.claim, productIds: productsOf(order) }])).size === 0;
  if (!released) return { kind: "failed", error: "the stock of a dead claim could not be let go" };
  await run(
    context.env.DB,
    sql`UPDATE orders SET revival_claim = ${claimOf(context.ids.next())}
      WHERE id = ${order.id} AND coalesce(revival_claim, claim_id) = ${revival.claim} AND status = 'expired'
        AND ${notRestoredSince(context)}`,
  );
  return { kind: "again" };
}
