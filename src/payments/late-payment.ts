import type { NewWork } from "../events/append.ts";
import type { TaskOutcome } from "../events/work.ts";
import { owedOnConfirmation } from "../orders/confirmation.ts";
import { sendFollow } from "../orders/follow.ts";
import type { Moved } from "../orders/move.ts";
import type { Order, OrderItem } from "../orders/order.ts";
import { claimOf } from "../orders/place/ask.ts";
import { letGo } from "../orders/place/let-go.ts";
import { abandon } from "../orders/place/record.ts";
import {
  heldAllocations,
  type Reservation,
  reserveAll,
  thoseWhoMayWait,
  tryAgain,
} from "../orders/place/reserve.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";
import { changeMoney } from "./change.ts";
import type { Money, Payment, PaymentEvent } from "./money.ts";
import { capturedBy, giveBack } from "./settle-parts.ts";

/** `again`: another was faster, or a dead claim was replaced; what stands now is to be read and decided anew. */
export type LateOutcome =
  | TaskOutcome
  | { kind: "settled"; moved: Moved; owed: NewWork[] }
  | { kind: "again" };

interface Late {
  event: PaymentEvent;
  money: Money;
  into: Payment | null;
}

/**
 * A payment for an order that has expired. The order's old claim lets go everywhere; a new one, named after the event's
 * operation, reserves as placing does; and one batch writes its fate with all that hangs on it: the order's revival, or
 * the refund. Whoever dies in here leaves an event that is still owed and a claim that another finds again under its
 * id, or finds dead: then its holds are let go, and only then a fresh one may start.
 */
export async function settleLate(context: Context, late: Late, fate: string | null): Promise<LateOutcome> {
  const { event, money } = late;
  const claim = claimOf(event.operation);
  if (fate === "abandoned") return replaceClaim(context, late, claim);

  // Units that the order itself still holds from before must not stand in its way.
  if (!(await sendFollow(context, money.order))) {
    return { kind: "failed", error: "the expired order's stock could not be let go" };
  }
  const { reservation } = await reserve(context, claim, money.order);
  const held = heldAllocations(reservation);
  const outcomes = [...reservation.values()];
  if (!held && outcomes.some(({ kind }) => kind === "unknown" || kind === "settled")) {
    return giveUp(context, late, claim, "the stock for a late payment could not be held");
  }
  try {
    return await record(context, late, claim, held);
  } catch (error) {
    context.log.error("the outcome of a late payment is not known", { error: describeError(error) });
    return giveUp(context, late, claim, "the outcome of a late payment was not known");
  }
}

/** Where it was held before is preferred; what is not there any more may come from elsewhere. */
async function reserve(context: Context, claim: string, order: Order): Promise<{ reservation: Reservation }> {
  const stores = new Map(
    order.items.map((item) => [item.productId, item.allocations.map(({ store_id }) => store_id)]),
  );
  const wanted = { claim, order, stores, only: false };
  const reservations = await reserveAll(context, [wanted]);
  await tryAgain(context, await thoseWhoMayWait(context, reservations));
  const reservation = reservations.get(wanted);
  if (!reservation) throw new Error("a claim got no reservation");
  return { reservation };
}

type Held = NonNullable<ReturnType<typeof heldAllocations>>;

/** One batch: the fate and what it means. Not won: the fate that another wrote is obeyed by whoever looks again. */
async function record(
  context: Context,
  { event, money, into }: Late,
  claim: string,
  held: Held | null,
): Promise<LateOutcome> {
  const { order } = money;
  if (!held) {
    const refund = giveBack(context, event, money, into, "out_of_stock");
    const moved = await changeMoney(context, money, { ...refund, fate: { claim, fate: "rejected" } });
    if (!moved.won) return { kind: "again" };
    context.defer(letGo(context, claim, productsOf(order)));
    return { kind: "settled", moved, owed: refund.work };
  }
  const captured = capturedBy(context, event, money, into);
  const work = owedOnConfirmation(context, order);
  const moved = await changeMoney(context, money, {
    event: "order.paid",
    reason: "paid after it had expired",
    data: { payment_id: captured.id, amount: captured.captured, late: true },
    to: "confirmed",
    closes: { event, state: "done", outcome: "late_paid" },
    captured,
    fate: { claim, fate: "placed", items: order.items.map((item) => allocated(item, held)) },
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
async function giveUp(context: Context, late: Late, claim: string, error: string): Promise<LateOutcome> {
  const standing = (await abandon(context, [{ claim, key: null }])).get(claim);
  // Placed or rejected: the event was closed by the same batch.
  if (standing?.fate !== "abandoned") return { kind: "again" };
  const replaced = await replaceClaim(context, late, claim);
  return replaced.kind === "again" ? { kind: "failed", error } : replaced;
}

/** Lets a dead claim go everywhere, and only then gives the event a fresh operation, by compare-and-set. */
async function replaceClaim(context: Context, { event, money }: Late, claim: string): Promise<LateOutcome> {
  if (!(await letGo(context, claim, productsOf(money.order)))) {
    return { kind: "failed", error: "an abandoned claim could not let go" };
  }
  await context.env.DB.prepare(
    `UPDATE payment_events SET operation = ?4
     WHERE provider = ?1 AND event_id = ?2 AND operation = ?3 AND state = 'owed'`,
  )
    .bind(event.provider, event.eventId, event.operation, context.ids.next())
    .run();
  return { kind: "again" };
}
