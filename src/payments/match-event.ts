import { Commit } from "../events/commit.ts";
import { selectOrder } from "../orders/read/find.ts";
import { orderOf } from "../orders/rows.ts";
import type { Context } from "../platform/context.ts";
import type { Operation } from "../platform/idempotency.ts";
import { prefixed } from "../platform/ids.ts";
import { batch, sql } from "../platform/sql.ts";
import { renderEventOf } from "./list-events.ts";
import { type PaymentEvent, selectEvent } from "./money.ts";
import { countEvent, eventTask, wonEvent } from "./receive-event.ts";
import type { PaymentEventWire } from "./schemas.ts";

export type MatchOutcome =
  /** `event` is null for a repeat, which reads it. */
  | { kind: "matched"; event: PaymentEventWire | null }
  | { kind: "unknown" }
  | { kind: "unknown_order" }
  /** Its order is known already, or its task still looks for it. */
  | { kind: "not_unmatched"; state: PaymentEvent["state"] };

/**
 * Assigns an order to an unmatched event. One batch makes the event owed again, counts it on the order and owes the task
 * that works it off. The batch is stamped on the event, so only one of several twins wins.
 * @param command.operation the same for every repeat: the event of the log is named after it, so a repeat finds its effect
 */
export async function matchEvent(
  context: Context,
  { provider, eventId }: { provider: string; eventId: string },
  command: { operation: Operation; order: string },
): Promise<MatchOutcome> {
  const { operation } = command;
  const read = await batch(context.env.DB, {
    orders: selectOrder(command.order),
    events: selectEvent(provider, eventId),
  });
  const [event] = read.events;
  if (!event) return { kind: "unknown" };
  const [row] = read.orders;
  const order = row ? orderOf(row) : null;
  const now = context.clock.now();
  const line = prefixed("evt", operation.id);
  const name = { provider, eventId };
  const commit = new Commit(context);
  const won = wonEvent(name, commit.stamp);
  const matched = order && renderEventOf({ ...event, state: "owed", outcome: null }, order);
  if (order && matched) {
    commit.win(sql`
      UPDATE payment_events SET state = 'owed', outcome = NULL, order_id = ${order.id}, stamp = ${commit.stamp}
      WHERE provider = ${provider} AND event_id = ${eventId} AND state = 'unmatched'`);
    commit.write(countEvent(name, commit.stamp));
    commit.owe([eventTask(context, name)], won);
    commit.events(
      [
        {
          id: line,
          type: "payment.matched",
          at: now,
          object_type: "payment",
          object_id: eventId,
          object_version: 1,
          data: { provider, event_id: eventId, order_id: order.id, by: context.actor.name },
        },
      ],
      won,
    );
    commit.write(operation.answer(200, matched, won));
  }
  const standing = commit.read(sql<{ state: PaymentEvent["state"]; stamp: string; repeated: number }>`
    SELECT e.state, e.stamp, EXISTS (SELECT 1 FROM events AS l WHERE l.id = ${line}) AS repeated
    FROM payment_events AS e WHERE e.provider = ${provider} AND e.event_id = ${eventId}`);
  const after = (await commit.send()).first(standing);
  if (!after) return { kind: "unknown" };
  if (after.stamp === commit.stamp) {
    operation.answered = true;
    commit.wakeUp(() => true);
    return { kind: "matched", event: matched };
  }
  if (after.repeated !== 0) return { kind: "matched", event: null };
  return order ? { kind: "not_unmatched", state: after.state } : { kind: "unknown_order" };
}
