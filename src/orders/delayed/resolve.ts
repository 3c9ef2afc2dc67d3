import { type NewEvent, type NewTask, newTask } from "../../events/append.ts";
import { Commit } from "../../events/commit.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { each, type Sql, sql } from "../../platform/sql.ts";
import { NEXT_STEP } from "../fulfilment/steps.ts";
import { ITS_OBJECT, wonOrder } from "../steps/stamped.ts";
import { findLost, LOST_BATCH, type Lost } from "./find-lost.ts";

/** At most so many batches a run: what is left is the next minute's. */
const MAX_BATCHES = 25;

/** Orders of one run by what was done for them. One that is newly delayed is sent its step in the same round. */
interface Done {
  marked: number;
  sent: number;
  raised: number;
}

/**
 * Job `resolve-delayed`: marks orders that are too long in a step, sends simulated ones their lost step again, and
 * puts before a person what that did not help. Each round is one commit: of two runs at once, one
 * wins each order, and an order that went on meanwhile is left alone. Manual fulfilment has no step to send: there the rounds
 * only pass, so that staff have as long to go on by themselves.
 */
export async function resolveDelayed(context: Context): Promise<string | null> {
  const all: Done = { marked: 0, sent: 0, raised: 0 };
  for (let batches = 0; batches < MAX_BATCHES; batches++) {
    const lost = await findLost(context);
    if (lost.length === 0) break;
    const done = await takeRound(context, lost);
    all.marked += done.marked;
    all.sent += done.sent;
    all.raised += done.raised;
    if (lost.length < LOST_BATCH) break;
  }
  const { marked, sent, raised } = all;
  if (marked + sent + raised === 0) return null;
  return `marked ${marked}, sent ${sent} again, put ${raised} before a person`;
}

/** One round of these orders, in one batch. */
async function takeRound(context: Context, lost: Lost[]): Promise<Done> {
  const { settings } = context;
  const now = context.clock.now();
  const isNew = (order: Lost) => order.delayed_retries === 0;
  const isLast = (order: Lost) => order.delayed_retries >= settings.DELAYED_RETRIES;
  const raised = lost.filter(isLast);
  const steps =
    settings.FULFILMENT === "simulated"
      ? lost.filter((order) => !isLast(order)).map((order) => stepOf(context, order))
      : [];
  const commit = new Commit(context);
  const won = wonOrder(ITS_OBJECT, commit.stamp);
  const winners = commit.win(sql<{ id: string }>`
    UPDATE orders SET stamp = ${commit.stamp}, delayed_at = coalesce(delayed_at, ${now}),
      delayed_retries = delayed_retries + 1
    FROM ${each(lost)} AS row
    WHERE orders.id = row.value ->> 'id' AND orders.version = row.value ->> 'version'
      AND orders.stamp = row.value ->> 'stamp' AND orders.delayed_retries = row.value ->> 'delayed_retries'
    RETURNING orders.id`);
  commit.events(
    [
      ...lost.filter(isNew).map((order) => eventOf(context, order, "order.delayed", now)),
      ...raised.map((order) => eventOf(context, order, "order.needs_attention", now)),
    ],
    won,
  );
  // A step that is still owed is not lost, but late: it is tried again by itself.
  const sent = commit.owe(
    steps,
    sql`${won} AND NOT EXISTS (SELECT 1 FROM work AS w
    WHERE w.state = 'owed' AND w.task = 'fulfilment-step' AND w.object_id = ${ITS_OBJECT})`,
  );
  if (settings.ADMIN_EMAIL && raised.length > 0) commit.write(oweNotice(context, raised, commit.stamp, now));
  const committed = await commit.send();
  commit.wakeUp(() => true);
  const ids = new Set(committed.rows(winners).map(({ id }) => id));
  return {
    marked: lost.filter((order) => ids.has(order.id) && isNew(order)).length,
    sent: sent === null ? 0 : committed.changes(sent),
    raised: raised.filter((order) => ids.has(order.id)).length,
  };
}

const stepOf = (context: Context, { id, status }: Lost): NewTask =>
  newTask(context, "fulfilment-step", id, { order_id: id, from: status, to: NEXT_STEP[status] });

const eventOf = (context: Context, order: Lost, type: string, now: number): NewEvent => ({
  id: prefixed("evt", context.ids.next()),
  type,
  at: now,
  object_type: "order",
  object_id: order.id,
  object_version: order.version,
  data: {
    reference: order.reference,
    status: order.status,
    since: order.status_at,
    retries: order.delayed_retries,
  },
});

/** One notice for all orders that this commit won: a shop that stands still needs one e-mail, not hundreds. */
const oweNotice = (context: Context, raised: Lost[], stamp: string, now: number): Sql => sql`
  INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, request_id, created_at)
  SELECT ${prefixed("wrk", context.ids.next())}, 'email', 'orders', json_object('template', 'delayed_orders',
      'order_ids', json_group_array(o.id ORDER BY o.status_at, o.id)),
    'owed', ${now}, 0, ${context.requestId}, ${now}
  FROM ${each(raised.map(({ id }) => id))} AS row JOIN orders AS o ON o.id = row.value AND o.stamp = ${stamp}
  HAVING count(*) > 0`;
