import type { TaskOutcome } from "../events/run-tasks.ts";
import type { Context } from "../platform/context.ts";
import { runBatch, type Sql, sql } from "../platform/sql.ts";
import type { EventName, PaymentEvent } from "./money.ts";
import { takeOffOrder } from "./statements.ts";

/**
 * The outcome of an event that is still owed: nothing that is known explains it, but a message that is still to come may.
 * Providers send messages in any order, so a refund may be told before its payment.
 */
export const WAITING = "waiting";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Whether an event may still wait. After `PAYMENT_EVENT_WAIT_HOURS` it is left to staff. */
export const mayWait = ({ clock, settings }: Context, { receivedAt }: PaymentEvent): boolean =>
  clock.now() < receivedAt + settings.PAYMENT_EVENT_WAIT_HOURS * HOUR_MS;

/**
 * Lets an event wait. It no longer keeps its order from expiring. It is looked at again when its order's money changes, and
 * in any case when it has waited for twice as long: after a minute at the earliest, and each hour at the latest.
 */
export async function keepWaiting(
  context: Context,
  event: PaymentEvent,
  orderId: string | null,
): Promise<TaskOutcome> {
  if (event.outcome !== WAITING) {
    const { provider, eventId } = event;
    await runBatch(context.env.DB, [
      ...(orderId === null ? [] : [takeOffOrder(event, orderId)]),
      sql`UPDATE payment_events SET outcome = ${WAITING}, order_id = ${orderId}
        WHERE provider = ${provider} AND event_id = ${eventId} AND state = 'owed'`,
    ]);
  }
  const waited = context.clock.now() - event.receivedAt;
  const delayMs = Math.min(Math.max(waited, MINUTE_MS), HOUR_MS);
  return { kind: "not_now", error: "nothing that is known explains the event yet", delayMs };
}

/**
 * The other events that wait for what this one may tell: those about its order, and those about its payment, which had no
 * order before. @param orderId SQL for the order's id
 */
export const selectWaiting = ({ provider, eventId }: EventName, orderId: Sql) => sql<EventName>`
  SELECT provider, event_id AS eventId FROM payment_events INDEXED BY payment_events_order
  WHERE order_id = (${orderId}) AND state = 'owed' AND outcome = ${WAITING}
    AND (provider, event_id) <> (${provider}, ${eventId})
  UNION ALL
  SELECT w.provider, w.event_id FROM payment_events AS e JOIN payment_events AS w INDEXED BY payment_events_unknown
    ON w.provider = e.provider AND w.provider_id = e.provider_id AND w.state = 'owed' AND w.order_id IS NULL
  WHERE e.provider = ${provider} AND e.event_id = ${eventId} AND w.outcome = ${WAITING} AND w.event_id <> e.event_id`;
