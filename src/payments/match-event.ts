import { Commit } from "../events/commit.ts";
import { readOrder } from "../orders/find.ts";
import type { Context } from "../platform/context.ts";
import { prefixed } from "../platform/ids.ts";
import { sql } from "../platform/sql.ts";
import type { PaymentEvent } from "./money.ts";
import { countEvent, eventTask, wonEvent } from "./receive-event.ts";

export type MatchOutcome =
  | { kind: "matched" }
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
  command: { operation: string; order: string },
): Promise<MatchOutcome> {
  const order = await readOrder(context, command.order);
  const now = context.clock.now();
  const line = prefixed("evt", command.operation);
  const name = { provider, eventId };
  const commit = new Commit(context, "none");
  const won = wonEvent(name, commit.stamp);
  if (order) {
    commit.win(sql`
      UPDATE payment_events SET state = 'owed', outcome = NULL, order_id = ${order.id}, stamp = ${commit.stamp}
      WHERE provider = ${provider} AND event_id = ${eventId} AND state = 'unmatched'`);
    commit.write(countEvent(name, commit.stamp));
    commit.owe([eventTask(context, name, now)], won);
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
  }
  const standing = commit.read(sql<{ state: PaymentEvent["state"]; mine: number }>`
    SELECT e.state, e.stamp = ${commit.stamp} OR EXISTS (SELECT 1 FROM events AS l WHERE l.id = ${line}) AS mine
    FROM payment_events AS e WHERE e.provider = ${provider} AND e.event_id = ${eventId}`);
  const row = (await commit.send()).first(standing);
  if (!row) return { kind: "unknown" };
  if (row.mine === 0) return order ? { kind: "not_unmatched", state: row.state } : { kind: "unknown_order" };
  commit.wakeUp(() => true);
  return { kind: "matched" };
}
