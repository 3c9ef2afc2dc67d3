import { wakeUp } from "../events/work.ts";
import { wasMadeBy } from "../orders/history.ts";
import type { Context } from "../platform/context.ts";
import { isCurrency } from "../platform/money.ts";
import { changeMoney, MAX_TRIES } from "./change.ts";
import { type Payment, type PaymentEvent, readEventFacts } from "./money.ts";
import { giveBackFlagged } from "./settle-parts.ts";

export type GiveBackOutcome =
  | { kind: "given_back" }
  | { kind: "unknown" }
  /** It cannot be given back: it was worked off, its order is not known, or it was given back before. */
  | { kind: "not_flagged"; state: PaymentEvent["state"] }
  /** Nothing was captured by it: it is no success, it is of 0, or its currency does not exist. */
  | { kind: "nothing_taken" }
  /** Another change of the order won each try: the request may be sent again. */
  | { kind: "contended" };

/**
 * Gives back what a flagged event captured. One stamped batch writes a captured payment that never counts for its order, a
 * refund of all of it, and closes the event. The event must still be flagged in that batch, so it happens once.
 * @param command.operation the same for every repeat, which finds its line in the order's history
 */
export async function giveBackEvent(
  context: Context,
  { provider, eventId }: { provider: string; eventId: string },
  command: { operation: string; reason: string | null },
): Promise<GiveBackOutcome> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const facts = await readEventFacts(context, provider, eventId);
    if (!facts) return { kind: "unknown" };
    const { event, about } = facts;
    if (!about || event.state !== "flagged") {
      const made = about && (await wasMadeBy(context, about.money.order.id, command.operation));
      return made ? { kind: "given_back" } : { kind: "not_flagged", state: event.state };
    }
    const { money } = about;
    const currency = (event.currency ?? money.order.currency).toUpperCase();
    if (event.kind !== "succeeded" || event.amount === 0 || !isCurrency(currency)) {
      return { kind: "nothing_taken" };
    }
    const into = uncapturedOf(event, currency, money.payments);
    const change = giveBackFlagged(context, event, money, { into, currency, reason: command.reason });
    const moved = await changeMoney(context, money, { ...change, operation: command.operation });
    if (moved.won) {
      context.defer(wakeUp(context, [{ id: moved.followTaskId, task: "follow" }, ...change.work]));
      return { kind: "given_back" };
    }
  }
  return { kind: "contended" };
}

/** The payment that the provider names, if it is ours and not captured yet. No other may be used up for this money. */
const uncapturedOf = (event: PaymentEvent, currency: string, payments: Payment[]): Payment | null =>
  payments.find(
    (payment) =>
      event.providerId !== null &&
      payment.provider === event.provider &&
      payment.providerId === event.providerId &&
      payment.captured === 0 &&
      payment.currency === currency,
  ) ?? null;
