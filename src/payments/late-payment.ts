import { findWaiting } from "../claims/contention.ts";
import { abandon } from "../claims/fates.ts";
import { claimOf } from "../claims/ids.ts";
import { letGo } from "../claims/let-go.ts";
import { heldAllocations, type Reservation, reserveAll, tryAgain } from "../claims/reserve.ts";
import type { NewTask } from "../events/append.ts";
import type { TaskOutcome } from "../events/work.ts";
import { tasksOnConfirmation } from "../orders/confirmation.ts";
import { sendFollow } from "../orders/follow.ts";
import type { Moved } from "../orders/move.ts";
import type { Order, OrderItem } from "../orders/order.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";
import { run, sql } from "../platform/sql.ts";
import { changeMoney } from "./change.ts";
import type { Money, Payment, PaymentEvent, RevivalTry } from "./money.ts";
import { capturedBy, giveBack } from "./settle-parts.ts";

/** `again`: another was faster, or a dead claim was replaced; what stands now is to be read and decided anew. */
export type LateOutcome =
  | TaskOutcome
  | { kind: "settled"; moved: Moved; owed: NewTask[] }
  | { kind: "again" };

interface Late {
  event: PaymentEvent;
  money: Money;
  trial: RevivalTry;
  into: Payment | null;
}

/**
 * A payment for an order that has expired. All of an order's late payments try with one claim, as twins share their
 * key's: each with its own could fall short only because the other's holds are in the way. The order's old claim lets go
 * everywhere before the first is set, and a dead one before the next. What it holds or is short of is written with its
 * fate in one batch: the order's revival, or the refund of the event that this worker is at. Whoever dies in here
 * leaves an event that is still owed, and a claim that the next finds to go on with, or dead.
 *
 * Where the order came from a cart that was checked out again since, two living orders would name that cart: then it is
 * not revived, whatever the stock says. That the cart is free is a guard of the revival's fate, too.
 */
export async function settleLate(context: Context, late: Late): Promise<LateOutcome> {
  const { money, trial } = late;
  if (trial.fate !== null) return tryAnew(context, late);
  if (trial.cartSpent) return record(context, late, { cause: "cart_spent" });

  const reservation = await reserve(context, trial.claim, money.order);
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

/** Where it was held before is preferred; what is not there any more may come from elsewhere, unless a store was named. */
async function reserve(context: Context, claim: string, order: Order): Promise<Reservation> {
  const { storeId } = order;
  const before = ({ allocations }: OrderItem) =>
    storeId === null ? allocations.map(({ store_id }) => store_id) : [storeId];
  const wanted = { claim, order, stores: new Map(order.items.map((item) => [item.productId, before(item)])) };
  const reservations = await reserveAll(context, [wanted]);
  await tryAgain(context, await findWaiting(context, reservations));
  const reservation = reservations.get(wanted);
  if (!reservation) throw new Error("a claim got no reservation");
  return reservation;
}

type Held = NonNullable<ReturnType<typeof heldAllocations>>;

/** One batch: the fate and what it means. Not won: the fate that another wrote is obeyed by whoever looks again. */
async function record(
  context: Context,
  { event, money, trial: { claim }, into }: Late,
  outcome: { held: Held } | { cause: "out_of_stock" | "cart_spent" },
): Promise<LateOutcome> {
  const { order } = money;
  if ("cause" in outcome) {
    const refund = giveBack(context, event, money, into, outcome.cause);
    const moved = await changeMoney(context, money, { ...refund, fate: { claim, fate: "rejected" } });
    if (!moved.won) return { kind: "again" };
    context.defer(letGo(context, [{ claim, productIds: productsOf(order) }]));
    return { kind: "settled", moved, owed: refund.work };
  }
  const captured = capturedBy(context, event, money, into);
  const work = tasksOnConfirmation(context, order);
  const moved = await changeMoney(context, money, {
    event: "order.paid",
    reason: "paid after it had expired",
    data: { payment_id: captured.id, amount: captured.captured, late: true },
    to: "confirmed",
    closes: { event, state: "done", outcome: "late_paid" },
    captured,
    fate: { claim, fate: "placed", items: order.items.map((item) => allocated(item, outcome.held)) },
    work,
  });
  return moved.won ? { kind: "settled", moved, owed: work } : { kind: "again" };
}

const allocated = (item: OrderItem, held: Held): OrderItem => ({
  ...item,
  allocations: (held.get(item.productId) ?? []).map((allocation) => ({ ...allocation, shipped: 0 })),
});

const productsOf = (order: Order): string[] => order.items.map((item) => item.productId);

/** Gives the claim up as placing does, and obeys what stands. */
async function giveUp(context: Context, late: Late, error: string): Promise<LateOutcome> {
  const { claim } = late.trial;
  const fate = await abandon(context, claim);
  // Placed or rejected: whoever looks again finds what it means, for this event or for another of the order.
  if (fate !== "abandoned") return { kind: "again" };
  const renewed = await tryAnew(context, late);
  return renewed.kind === "again" ? { kind: "failed", error } : renewed;
}

/** A claim is spent: it lets go everywhere, and only then the order gets a fresh one to try with, by compare-and-set. */
async function tryAnew(context: Context, { money: { order }, trial }: Late): Promise<LateOutcome> {
  const released =
    trial.claim === order.claimId
      ? await sendFollow(context, order)
      : (await letGo(context, [{ claim: trial.claim, productIds: productsOf(order) }])).size === 0;
  if (!released) return { kind: "failed", error: "the stock of a dead claim could not be let go" };
  await run(
    context.env.DB,
    sql`UPDATE orders SET revival_claim = ${claimOf(context.ids.next())}
      WHERE id = ${order.id} AND coalesce(revival_claim, claim_id) = ${trial.claim} AND status = 'expired'`,
  );
  return { kind: "again" };
}
