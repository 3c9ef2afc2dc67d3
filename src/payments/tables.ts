import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** One way in which an order is being paid: what a provider was asked for, and what it took. */
export const payments = sqliteTable(
  "payments",
  {
    id: text("id").primaryKey(),
    orderId: text("order_id").notNull(),
    provider: text("provider", { enum: ["stripe", "standard"] }).notNull(),
    /** The provider's own name for it, such as a PaymentIntent's; null where it has none. */
    providerId: text("provider_id"),
    /** `given_back`: it took what its order could not use. All of that goes back, and it never counts for the order. */
    status: text("status", { enum: ["open", "succeeded", "failed", "given_back"] }).notNull(),
    /** What is asked for: minor units of `currency`. */
    amount: integer("amount").notNull(),
    currency: text("currency").notNull(),
    /** What the provider took: 0 until it succeeded. */
    captured: integer("captured").notNull(),
    /** Refunds due, sent and settled together. Never more than `captured`: each refund's batch is guarded by it. */
    refunded: integer("refunded").notNull(),
    clientSecret: text("client_secret"),
    /** The stamp of the batch that last changed it. */
    stamp: text("stamp").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    index("payments_order").on(table.orderId, table.createdAt),
    index("payments_provider").on(table.provider, table.providerId),
  ],
);

/**
 * What a provider told, each event once. `owed` until it is worked off; `flagged` and `unmatched` are kept for staff
 * and count as worked off.
 */
export const paymentEvents = sqliteTable(
  "payment_events",
  {
    provider: text("provider").notNull(),
    eventId: text("event_id").notNull(),
    /** The order that it is about; null while its reference is unknown. */
    orderId: text("order_id"),
    reference: text("reference").notNull(),
    kind: text("kind", { enum: ["succeeded", "failed", "canceled", "refunded", "refund_failed"] }).notNull(),
    amount: integer("amount").notNull(),
    /** Null where the provider names none: the order's. */
    currency: text("currency"),
    providerId: text("provider_id"),
    /** Which of our refunds (`rfd_…`) it is about, where the provider says. */
    refundId: text("refund_id"),
    state: text("state", { enum: ["owed", "done", "flagged", "unmatched"] }).notNull(),
    /** What came of it: `paid`, `second_payment`, `late_paid`, `refund_due`, `wrong_amount`, … */
    outcome: text("outcome"),
    /** A ulid: the payment and the refund that it may make are named after it. */
    operation: text("operation").notNull(),
    /** The stamp of the batch that first wrote it: only that one counts it as owed. */
    stamp: text("stamp").notNull(),
    receivedAt: integer("received_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.provider, table.eventId] }),
    index("payment_events_order").on(table.orderId).where(sql`state = 'owed'`),
    index("payment_events_flagged").on(table.orderId).where(sql`state = 'flagged'`),
    index("payment_events_state").on(table.state, table.receivedAt, table.operation),
    index("payment_events_received").on(table.receivedAt, table.operation),
  ],
);

/** Money on its way back. `due` is promised by the batch that wrote it; the `refund` task sends it. */
export const refunds = sqliteTable(
  "refunds",
  {
    id: text("id").primaryKey(),
    paymentId: text("payment_id").notNull(),
    orderId: text("order_id").notNull(),
    amount: integer("amount").notNull(),
    currency: text("currency").notNull(),
    state: text("state", { enum: ["due", "sent", "settled", "failed"] }).notNull(),
    reason: text("reason"),
    providerId: text("provider_id"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    index("refunds_order").on(table.orderId),
    index("refunds_payment").on(table.paymentId),
    index("refunds_promised").on(table.createdAt),
    index("refunds_failed").on(table.updatedAt).where(sql`state = 'failed'`),
  ],
);
