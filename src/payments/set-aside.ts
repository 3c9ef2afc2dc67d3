import { Commit } from "../events/commit.ts";
import type { Context } from "../platform/context.ts";
import { sql } from "../platform/sql.ts";

/** The outcome of an event that is still owed, but no longer counted on its order. */
export const SET_ASIDE = "set_aside";

/**
 * Sets aside payment events whose task died, so that they keep their orders from expiring no longer (docs/DESIGN.md §2).
 * They stay owed: if the task is retried, the event is worked off like any other, or as a late payment. This needs a sweep,
 * because a task that killed its worker is declared dead in the events room, which knows nothing of payments. It reads only
 * orders past their deadline, since the count prevents nothing for the others. Returns how many it set aside.
 */
export async function setAsideDead(context: Context): Promise<number> {
  const commit = new Commit(context);
  const aside = commit.win(sql`
    UPDATE payment_events INDEXED BY payment_events_order SET outcome = ${SET_ASIDE}, stamp = ${commit.stamp}
    WHERE state = 'owed' AND outcome IS NULL AND order_id IN (
        SELECT o.id FROM orders AS o INDEXED BY orders_due
        WHERE o.status = 'pending' AND o.expires_at <= ${context.clock.now()} AND o.events_owed > 0)
      AND EXISTS (SELECT 1 FROM work AS w WHERE w.state = 'dead'
        AND w.finished_at >= payment_events.received_at AND w.task = 'payment-event'
        AND w.payload ->> 'provider' = payment_events.provider
        AND w.payload ->> 'event_id' = payment_events.event_id)`);
  commit.write(sql`
    UPDATE orders SET events_owed = max(0, events_owed - given.events)
    FROM (SELECT order_id, count(*) AS events FROM payment_events
      WHERE state = 'owed' AND stamp = ${commit.stamp} AND order_id IS NOT NULL GROUP BY order_id) AS given
    WHERE orders.id = given.order_id`);
  return (await commit.send()).changes(aside);
}
