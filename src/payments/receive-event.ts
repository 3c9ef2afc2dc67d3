import { type Guard, oweWork } from "../events/append.ts";
import { ring } from "../events/work.ts";
import type { Context } from "../platform/context.ts";
import { rowsOf } from "../platform/d1.ts";
import { prefixed } from "../platform/ids.ts";
import { IS_RESTORING } from "../platform/restoring.ts";
import type { ProviderEvent } from "./provider.ts";

export type ReceiveOutcome =
  /** Stored, and to be worked off. `matched`: the order that it is about is there. */
  | { kind: "received"; matched: boolean }
  /** Told before: nothing was done. */
  | { kind: "duplicate" }
  /** A backup overwrites the shop: nothing was done, and it must be told again, even where it was told before. */
  | { kind: "restoring" };

/**
 * Stores what a provider told, once, with the task that works it off: one batch, so that what was answered 200 is
 * owed whatever becomes of this worker. An event of a known order is counted on it in the same batch; until it is
 * worked off, the order does not expire.
 */
export async function receiveEvent(context: Context, event: ProviderEvent): Promise<ReceiveOutcome> {
  const { env, clock, ids } = context;
  const now = clock.now();
  const nonce = ids.next();
  const work = { id: prefixed("wrk", ids.next()), task: "payment-event" as const };
  const won: Guard = {
    sql: "EXISTS (SELECT 1 FROM payment_events WHERE provider = ?2 AND event_id = ?3 AND stamp = ?4)",
    parameters: [event.provider, event.eventId, nonce],
  };
  const results = await env.DB.batch([
    storeEvent(context, event, nonce),
    env.DB.prepare(
      `UPDATE orders SET events_owed = events_owed + 1
       WHERE id = (SELECT order_id FROM payment_events WHERE provider = ?1 AND event_id = ?2 AND stamp = ?3)`,
    ).bind(event.provider, event.eventId, nonce),
    oweWork(
      env.DB,
      [
        {
          ...work,
          object_id: event.eventId,
          payload: { provider: event.provider, event_id: event.eventId },
          at: now,
          not_before: now,
          request_id: context.requestId,
        },
      ],
      won,
    ),
    env.DB.prepare("SELECT order_id, stamp FROM payment_events WHERE provider = ?1 AND event_id = ?2").bind(
      event.provider,
      event.eventId,
    ),
    env.DB.prepare(`SELECT 1 WHERE ${IS_RESTORING}`),
  ]);
  if (rowsOf(results, 4).length > 0) return { kind: "restoring" };
  const row = rowsOf<{ order_id: string | null; stamp: string }>(results, 3)[0];
  if (row?.stamp !== nonce) return { kind: "duplicate" };
  context.defer(ring(context, [work]));
  return { kind: "received", matched: row.order_id !== null };
}

/** An insert that yields. The order is whose payment the provider names, else whose reference or id it names. */
function storeEvent({ env, clock, ids }: Context, event: ProviderEvent, nonce: string): D1PreparedStatement {
  return env.DB.prepare(
    `INSERT INTO payment_events (provider, event_id, order_id, reference, kind, amount, currency, provider_id,
       refund_id, state, operation, stamp, received_at)
     SELECT ?1, ?2, o.id, coalesce(o.reference, ?3, ''), ?4, ?5, ?6, ?7, ?8, 'owed', ?9, ?10, ?11
     FROM (SELECT 1) LEFT JOIN orders AS o ON o.id = coalesce(
       (SELECT p.order_id FROM payments AS p WHERE p.provider = ?1 AND p.provider_id = ?7 LIMIT 1),
       (SELECT named.id FROM orders AS named WHERE named.reference = upper(?3)),
       (SELECT named.id FROM orders AS named WHERE named.id = ?3))
     WHERE NOT ${IS_RESTORING}
     ON CONFLICT DO NOTHING`,
  ).bind(
    event.provider,
    event.eventId,
    event.reference,
    event.kind,
    event.amount,
    event.currency,
    event.providerId,
    event.refundId,
    ids.next(),
    nonce,
    clock.now(),
  );
}
