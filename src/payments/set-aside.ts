import { Commit } from "../events/commit.ts";
import type { Context } from "../platform/context.ts";
import { sql } from "../platform/sql.ts";

/** What an event that is owed, but counted no longer, says of itself. */
export const SET_ASIDE = "set_aside";

/**
 * Payment events whose task died hold their orders open no longer (docs/DESIGN.md §2: a dead-lettered event counts as
 * worked off). They stay owed: a retry of the task is then a payment like any other, or a late one. A sweep, because a
 * task that killed its worker is buried by whoever takes it next, where nobody knows of payments. Only orders past
 * their deadline are looked at: for all others the count stops nothing. Returns how many.
 */
export async function setAsideDead(context: Context): Promise<number> {
  const commit = new Commit(context, "none");
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
