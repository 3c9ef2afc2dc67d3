import { wakeUp } from "../events/wake-up.ts";
import { wasMadeBy } from "../orders/read/history.ts";
import { followOf } from "../orders/steps/move.ts";
import type { Context } from "../platform/context.ts";
import type { Operation } from "../platform/idempotency.ts";
import { isCurrency } from "../platform/money.ts";
import { changeMoney, MAX_TRIES } from "./change.ts";
import { renderEventOf } from "./list-events.ts";
import { type Payment, type PaymentEvent, readEventFacts } from "./money.ts";
import type { PaymentEventWire } from "./schemas.ts";
import { giveBackFlagged } from "./settle-parts.ts";

export type GiveBackOutcome =
  /** `event` is null for a repeat, which reads it. */
  | { kind: "given_back"; event: PaymentEventWire | null }
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
  command: { operation: Operation; reason: string | null },
): Promise<GiveBackOutcome> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const facts = await readEventFacts(context, provider, eventId);
    if (!facts) return { kind: "unknown" };
    const { event, about } = facts;
    if (!about || event.state !== "flagged") {
      const made = about && (await wasMadeBy(context, about.money.order.id, command.operation.id));
      return made ? { kind: "given_back", event: null } : { kind: "not_flagged", state: event.state };
    }
    const { money } = about;
    const currency = (event.currency ?? money.order.currency).toUpperCase();
    if (event.kind !== "succeeded" || event.amount === 0 || !isCurrency(currency)) {
      return { kind: "nothing_taken" };
    }
    const into = uncapturedOf(event, currency, money.payments);
    const change = giveBackFlagged(context, event, money, { into, currency, reason: command.reason });
    const { state, outcome } = change.closes;
    const after = renderEventOf({ ...event, state, outcome }, money.order);
    const moved = await changeMoney(context, money, {
      ...change,
      operation: command.operation,
      answer: { status: 200, body: after },
    });
    if (moved.won) {
      context.defer(wakeUp(context, [...followOf(moved), ...change.tasks]));
      return { kind: "given_back", event: after };
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
