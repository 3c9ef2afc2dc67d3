import { appendEvents, type Guard, oweWork } from "../events/append.ts";
import { ring } from "../events/work.ts";
import { readOrder } from "../orders/find.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { prefixed } from "../platform/ids.ts";
import type { PaymentEvent } from "./money.ts";

export type MatchOutcome =
  | { kind: "matched" }
  | { kind: "unknown" }
  | { kind: "unknown_order" }
  /** It is about an order already, or still looked up by itself. */
  | { kind: "not_unmatched"; state: PaymentEvent["state"] };

/**
 * Says which order an event means that named none: it is owed again, counted on that order, with a task that works it
 * off as any other. One batch, stamped on the event: of twins one wins.
 * @param command.operation the same for every repeat: the log's line is named after it, so a repeat finds its effect
 */
export async function matchEvent(
  context: Context,
  { provider, eventId }: { provider: string; eventId: string },
  command: { operation: string; order: string },
): Promise<MatchOutcome> {
  const { env, clock, ids } = context;
  const order = await readOrder(context, command.order);
  const now = clock.now();
  const nonce = ids.next();
  const line = prefixed("evt", command.operation);
  const work = { id: prefixed("wrk", ids.next()), task: "payment-event" as const };
  const won: Guard = {
    sql: "EXISTS (SELECT 1 FROM payment_events WHERE provider = ?2 AND event_id = ?3 AND stamp = ?4)",
    parameters: [provider, eventId, nonce],
  };
  const results = await env.DB.batch([
    env.DB.prepare(
      `UPDATE payment_events SET state = 'owed', outcome = NULL, order_id = ?3, stamp = ?4
       WHERE provider = ?1 AND event_id = ?2 AND state = 'unmatched' AND ?3 IS NOT NULL`,
    ).bind(provider, eventId, order?.id ?? null, nonce),
    env.DB.prepare(
      `UPDATE orders SET events_owed = events_owed + 1
       WHERE id = (SELECT order_id FROM payment_events WHERE provider = ?1 AND event_id = ?2 AND stamp = ?3)`,
    ).bind(provider, eventId, nonce),
    oweWork(
      env.DB,
      [
        {
          ...work,
          object_id: eventId,
          payload: { provider, event_id: eventId },
          at: now,
          not_before: now,
          request_id: context.requestId,
        },
      ],
      won,
    ),
    appendEvents(
      env.DB,
      [
        {
          id: line,
          type: "payment.matched",
          at: now,
          object_type: "payment",
          object_id: eventId,
          object_version: 1,
          data: { provider, event_id: eventId, order_id: order?.id, by: context.actor.name },
        },
      ],
      won,
    ),
    env.DB.prepare(
      `SELECT e.state, e.stamp = ?3 OR EXISTS (SELECT 1 FROM events AS l WHERE l.id = ?4) AS mine
       FROM payment_events AS e WHERE e.provider = ?1 AND e.event_id = ?2`,
    ).bind(provider, eventId, nonce, line),
  ]);
  const [row] = rowsOf<{ state: PaymentEvent["state"]; mine: number }>(results, 4);
  if (!row) return { kind: "unknown" };
  if (row.mine === 0) return order ? { kind: "not_unmatched", state: row.state } : { kind: "unknown_order" };
  context.defer(ring(context, [work]));
  return { kind: "matched" };
}
