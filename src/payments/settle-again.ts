import { Commit } from "../events/commit.ts";
import { selectOrder } from "../orders/read/find.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "../orders/rows.ts";
import type { Context } from "../platform/context.ts";
import type { Operation } from "../platform/idempotency.ts";
import { prefixed } from "../platform/ids.ts";
import { batch, sql } from "../platform/sql.ts";
import { renderEventOf } from "./list-events.ts";
import { type PaymentEvent, selectEvent } from "./money.ts";
import { countEvent, eventTask, wonEvent } from "./receive-event.ts";
import type { PaymentEventWire } from "./schemas.ts";

export type SettleAgainOutcome =
  /** `event` is null for a repeat, which reads it. */
  | { kind: "owed_again"; event: PaymentEventWire | null }
  | { kind: "unknown" }
  | { kind: "unknown_order" }
  /** It was worked off, or its task is still at it: it does not wait for staff. */
  | { kind: "not_with_staff"; state: PaymentEvent["state"] };

/**
 * Has an event that waits for staff worked off once more: about an order that they name, or, where what it did not fit is
 * another by now, about its own. One batch makes the event owed again, counts it on the order and owes the task that works
 * it off. The batch is stamped on the event, so only one of several twins wins.
 * @param command.operation the same for every repeat: the event of the log is named after it, so a repeat finds its effect
 * @param command.order an id or a reference; null for the order that the event has, if it has one
 */
export async function settleAgain(
  context: Context,
  { provider, eventId }: { provider: string; eventId: string },
  command: { operation: Operation; order: string | null },
): Promise<SettleAgainOutcome> {
  const { operation } = command;
  const read = await batch(context.env.DB, {
    orders: command.order === null ? selectOrderOf(provider, eventId) : selectOrder(command.order),
    events: selectEvent(provider, eventId),
  });
  const [event] = read.events;
  if (!event) return { kind: "unknown" };
  const [row] = read.orders;
  const order = row ? orderOf(row) : null;
  const line = prefixed("evt", operation.id);
  const name = { provider, eventId };
  const commit = new Commit(context);
  const won = wonEvent(name, commit.stamp);
  const after = renderEventOf({ ...event, state: "owed", outcome: null }, order);
  if (order || command.order === null) {
    commit.win(sql`
      UPDATE payment_events SET state = 'owed', outcome = NULL, order_id = ${order?.id ?? null}, stamp = ${commit.stamp}
      WHERE provider = ${provider} AND event_id = ${eventId} AND state IN ('unmatched', 'flagged')`);
    commit.write(countEvent(name, commit.stamp));
    commit.owe([eventTask(context, name)], won);
    commit.events(
      [
        {
          id: line,
          type: command.order === null ? "payment.retried" : "payment.matched",
          at: context.clock.now(),
          object_type: "payment",
          object_id: eventId,
          object_version: 1,
          data: { provider, event_id: eventId, order_id: order?.id ?? null, by: context.actor.name },
        },
      ],
      won,
    );
    commit.write(operation.answer(200, after, won));
  }
  const standing = commit.read(sql<{ state: PaymentEvent["state"]; stamp: string; repeated: number }>`
    SELECT e.state, e.stamp, EXISTS (SELECT 1 FROM events AS l WHERE l.id = ${line}) AS repeated
    FROM payment_events AS e WHERE e.provider = ${provider} AND e.event_id = ${eventId}`);
  const stands = (await commit.send()).first(standing);
  if (!stands) return { kind: "unknown" };
  if (stands.stamp === commit.stamp) {
    operation.answered = true;
    commit.wakeUp(() => true);
    return { kind: "owed_again", event: after };
  }
  if (stands.repeated !== 0) return { kind: "owed_again", event: null };
  return order || command.order === null
    ? { kind: "not_with_staff", state: stands.state }
    : { kind: "unknown_order" };
}

/** The order that an event has. */
const selectOrderOf = (provider: string, eventId: string) => sql<OrderRow>`
  SELECT ${ORDER_COLUMNS} FROM orders AS o WHERE o.id = (
    SELECT order_id FROM payment_events WHERE provider = ${provider} AND event_id = ${eventId})`;
