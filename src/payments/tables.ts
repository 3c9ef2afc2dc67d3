import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** One payment of an order: what a provider was asked for, and what it captured. */
export const payments = sqliteTable(
  "payments",
  {
    id: text("id").primaryKey(),
    orderId: text("order_id").notNull(),
    provider: text("provider", { enum: ["stripe", "standard"] }).notNull(),
    /** The provider's id of it, such as a PaymentIntent's; null if it has none. */
    providerId: text("provider_id"),
    /** `given_back`: it captured what its order could not use. All of it goes back, and it never counts for the order. */
    status: text("status", { enum: ["open", "succeeded", "failed", "given_back"] }).notNull(),
    /** What was asked for, in minor units of `currency`. */
    amount: integer("amount").notNull(),
    currency: text("currency").notNull(),
    /** What the provider has captured; 0 until it succeeded. */
    captured: integer("captured").notNull(),
    /** The sum of the refunds that are due, sent or settled. A guard in each refund's batch keeps it within `captured`. */
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
 * The events of providers, each once. They are `owed` until worked off. `flagged` and `unmatched` wait for staff, and count
 * as worked off.
 */
export const paymentEvents = sqliteTable(
  "payment_events",
  {
    provider: text("provider").notNull(),
    eventId: text("event_id").notNull(),
    /** The order that it is about; null while that is not known. */
    orderId: text("order_id"),
    reference: text("reference").notNull(),
    kind: text("kind", { enum: ["succeeded", "failed", "canceled", "refunded", "refund_failed"] }).notNull(),
    amount: integer("amount").notNull(),
    /** Null if the provider names none, and then it is the order's. */
    currency: text("currency"),
    providerId: text("provider_id"),
    /** Our id (`rfd_…`) of the refund that it is about; null if the provider does not name it. */
    refundId: text("refund_id"),
    state: text("state", { enum: ["owed", "done", "flagged", "unmatched"] }).notNull(),
    /** What came of it, or `waiting` and `set_aside` while it is owed: `paid`, `second_payment`, `late_paid`, `refund_due`, `wrong_amount`, … */
    outcome: text("outcome"),
    /** A ulid, after which the payment and the refund that it may make are named. */
    operation: text("operation").notNull(),
    /** The stamp of the batch that last won it: only that batch counts it on its order, or takes it off. */
    stamp: text("stamp").notNull(),
    receivedAt: integer("received_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.provider, table.eventId] }),
    index("payment_events_order").on(table.orderId).where(sql`state = 'owed'`),
    // Asked when a payment becomes known that events told of before.
    index("payment_events_unknown")
      .on(table.provider, table.providerId)
      .where(sql`state = 'owed' AND order_id IS NULL`),
    index("payment_events_flagged").on(table.orderId).where(sql`state = 'flagged'`),
    index("payment_events_state").on(table.state, table.receivedAt, table.operation),
    index("payment_events_received").on(table.receivedAt, table.operation),
  ],
);

/** Refunds. The batch that promises one writes it as `due`, and the task `refund` sends it. */
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
    /**
     * `[{product_id, quantity, amount}]`: for which units of the order it is, and how much of it for these, in minor units.
     * Null where it names none: it is of an amount, or was written before refunds named items.
     */
    items: text("items"),
  },
  (table) => [
    index("refunds_order").on(table.orderId),
    index("refunds_payment").on(table.paymentId),
    index("refunds_promised").on(table.createdAt),
    index("refunds_failed").on(table.updatedAt).where(sql`state = 'failed'`),
  ],
);
