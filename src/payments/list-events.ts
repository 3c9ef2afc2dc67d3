import type { Order } from "../orders/order.ts";
import type { FlaggedEventWire } from "../orders/schemas.ts";
import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { type List, type PageQuery, toList } from "../platform/pagination.ts";
import { readPage } from "../platform/read-page.ts";
import { all, constant, first, sql } from "../platform/sql.ts";
import type { PaymentEvent } from "./money.ts";
import { formatProviderAmount } from "./notices.ts";
import type { PaymentEventWire } from "./schemas.ts";

/** Flagged events that an order's page shows, which is more than one order ever has. */
const PAGE_LIMIT = 100;

interface EventRow
  extends Pick<
    PaymentEvent,
    "provider" | "kind" | "amount" | "currency" | "state" | "outcome" | "reference"
  > {
  event_id: string;
  operation: string;
  received_at: number;
  order_id: string | null;
  order_reference: string | null;
  order_currency: string | null;
}

const COLUMNS = sql`e.provider, e.event_id, e.kind, e.amount, e.currency, e.state, e.outcome, e.reference, e.operation,
  e.received_at, e.order_id, o.reference AS order_reference, o.currency AS order_currency`;
const ORDERS = sql`LEFT JOIN orders AS o ON o.id = e.order_id`;

/** Payment events, newest first; all of them, or those in one state. There is an index for both. */
export async function listEvents(
  context: Context,
  query: PageQuery & { state?: PaymentEvent["state"] | undefined },
): Promise<List<PaymentEventWire>> {
  const { state } = query;
  const { rows, counted } = await readPage<EventRow>(
    context.env.DB,
    {
      select: COLUMNS,
      from: `payment_events AS e INDEXED BY payment_events_${state ? "state" : "received"}`,
      joins: ORDERS,
      where: state ? [sql`e.state = ${state}`] : [],
      key: "e.received_at",
      id: "e.operation",
      direction: "DESC",
    },
    query,
  );
  const cursorOf = (row: EventRow) => ({ key: row.received_at, id: row.operation });
  return toList(query, rows, counted, cursorOf, renderEvent);
}

/** One event as it stands; null when there is no such event. */
export async function readEvent(
  { env }: Context,
  provider: string,
  eventId: string,
): Promise<PaymentEventWire | null> {
  const row = await first(
    env.DB,
    sql<EventRow>`
      SELECT ${COLUMNS} FROM payment_events AS e ${ORDERS} WHERE e.provider = ${provider} AND e.event_id = ${eventId}`,
  );
  return row ? renderEvent(row) : null;
}

/** One event, about this order; null where it is about none that is known. */
export const renderEventOf = (
  event: PaymentEvent,
  order: Pick<Order, "id" | "reference" | "currency"> | null,
): PaymentEventWire =>
  renderEvent({
    ...event,
    event_id: event.eventId,
    received_at: event.receivedAt,
    order_id: order?.id ?? null,
    order_reference: order?.reference ?? null,
    order_currency: order?.currency ?? null,
  });

/** For an order's own page, to staff: what waits for a person, oldest first. */
export async function flaggedEventsOf({ env }: Context, orderId: string): Promise<FlaggedEventWire[]> {
  const flagged = await all(
    env.DB,
    sql<EventRow>`
      SELECT ${COLUMNS} FROM payment_events AS e INDEXED BY payment_events_flagged ${ORDERS}
      WHERE e.order_id = ${orderId} AND e.state = 'flagged'
      ORDER BY e.received_at, e.operation LIMIT ${constant(PAGE_LIMIT)}`,
  );
  return flagged.map(renderFlagged);
}

const renderEvent = (row: EventRow): PaymentEventWire => ({
  ...renderFlagged(row),
  state: row.state,
  reference: row.reference,
  order:
    row.order_id === null || row.order_reference === null
      ? null
      : { id: row.order_id, reference: row.order_reference },
});

const renderFlagged = (row: EventRow): FlaggedEventWire => ({
  provider: row.provider,
  event_id: row.event_id,
  kind: row.kind,
  amount: formatProviderAmount(row.amount, row.currency ?? row.order_currency),
  minor_units: row.amount,
  currency: row.currency,
  outcome: row.outcome,
  received_at: isoTimestamp(row.received_at),
});
