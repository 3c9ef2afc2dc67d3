import { type NewTask, newTask } from "../events/append.ts";
import { Commit } from "../events/commit.ts";
import type { Context } from "../platform/context.ts";
import { IS_RESTORING } from "../platform/restoring.ts";
import { type Sql, sql } from "../platform/sql.ts";
import type { EventName } from "./money.ts";
import type { ProviderEvent } from "./provider.ts";

export type ReceiveOutcome =
  /** It is stored, and its task will work it off. `matched`: its order was found. */
  | { kind: "received"; matched: boolean }
  /** It was received before: nothing was done. */
  | { kind: "duplicate" }
  /** A backup is being restored: nothing was done, and the provider must send it again, even if it was received before. */
  | { kind: "restoring" };

/**
 * Stores a provider's event once, with the task that works it off, in one batch: so what was answered with 200 will be
 * worked off even if this worker dies. The same batch counts the event on its order, if that is known. Until the event is
 * worked off, the order does not expire.
 */
export async function receiveEvent(context: Context, event: ProviderEvent): Promise<ReceiveOutcome> {
  // The commit needs no fence: the insert itself asks whether a backup is being restored, and the provider gets a 503.
  const commit = new Commit(context, "none");
  const won = wonEvent(event, commit.stamp);
  commit.win(storeEvent(context, event, commit.stamp));
  commit.write(countEvent(event, commit.stamp));
  commit.owe([eventTask(context, event)], won);
  const standing = commit.read(sql<{ order_id: string | null; stamp: string }>`
    SELECT order_id, stamp FROM payment_events WHERE provider = ${event.provider} AND event_id = ${event.eventId}`);
  const restoring = commit.read(sql`SELECT 1 WHERE ${IS_RESTORING}`);
  const committed = await commit.send();
  if (committed.first(restoring)) return { kind: "restoring" };
  const row = committed.first(standing);
  if (row?.stamp !== commit.stamp) return { kind: "duplicate" };
  commit.wakeUp(() => true);
  return { kind: "received", matched: row.order_id !== null };
}

/** SQL: whether the commit with this stamp has won the event. */
export const wonEvent = ({ provider, eventId }: EventName, stamp: string): Sql => sql`EXISTS (
  SELECT 1 FROM payment_events WHERE provider = ${provider} AND event_id = ${eventId} AND stamp = ${stamp})`;

/** Counts an event that the commit has won on its order: until the event is worked off, the order does not expire. */
export const countEvent = ({ provider, eventId }: EventName, stamp: string): Sql => sql`
  UPDATE orders SET events_owed = events_owed + 1
  WHERE id = (SELECT order_id FROM payment_events
    WHERE provider = ${provider} AND event_id = ${eventId} AND stamp = ${stamp})`;

/** The task that works an event off. */
export const eventTask = (context: Context, { provider, eventId }: EventName): NewTask =>
  newTask(context, "payment-event", eventId, { provider, event_id: eventId });

/** An insert that yields. It finds the order by the payment that the provider names, or else by the reference or id. */
function storeEvent({ clock, ids }: Context, event: ProviderEvent, stamp: string): Sql {
  const { provider, reference, providerId } = event;
  return sql`
    INSERT INTO payment_events (provider, event_id, order_id, reference, kind, amount, currency, provider_id,
      refund_id, state, operation, stamp, received_at)
    SELECT ${provider}, ${event.eventId}, o.id, coalesce(o.reference, ${reference}, ''), ${event.kind}, ${event.amount},
      ${event.currency}, ${providerId}, ${event.refundId}, 'owed', ${ids.next()}, ${stamp}, ${clock.now()}
    FROM (SELECT 1) LEFT JOIN orders AS o ON o.id = coalesce(
      (SELECT p.order_id FROM payments AS p WHERE p.provider = ${provider} AND p.provider_id = ${providerId} LIMIT 1),
      (SELECT named.id FROM orders AS named WHERE named.reference = upper(${reference})),
      (SELECT named.id FROM orders AS named WHERE named.id = ${reference}))
    WHERE NOT ${IS_RESTORING}
    ON CONFLICT DO NOTHING`;
}
