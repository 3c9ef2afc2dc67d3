import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { HISTORY_KINDS, ORDER_STATUSES, PAYMENT_METHODS, PAYMENT_STATUSES, PRIORITIES } from "./lifecycle.ts";

export const orders = sqliteTable(
  "orders",
  {
    id: text("id").primaryKey(),
    reference: text("reference").notNull().unique(),
    /** The one claim whose holds are this order's. */
    claimId: text("claim_id").notNull(),
    /**
     * The claim that payments after its deadline try with: all of them share it, as twins share their key's. Set anew
     * by compare-and-set, and only when the one before is dead and has let go everywhere. Null: none was tried.
     */
    revivalClaim: text("revival_claim"),
    /** The store that the buyer named: nothing may come from another. Null: the choice was left to the shop. */
    storeId: text("store_id"),
    /** The bulk that it was placed in; null: by itself. */
    batchId: text("batch_id"),
    /** The cart that it was checked out from: a living order spends it. Null: it came by itself. */
    cartId: text("cart_id"),
    userId: text("user_id"),
    /** SHA-256 of a guest's access token. */
    accessTokenHash: text("access_token_hash"),
    status: text("status", { enum: ORDER_STATUSES }).notNull(),
    paymentStatus: text("payment_status", { enum: PAYMENT_STATUSES }).notNull(),
    paymentMethod: text("payment_method", { enum: PAYMENT_METHODS }).notNull(),
    priority: text("priority", { enum: PRIORITIES }).notNull(),
    customer: text("customer").notNull(),
    customerEmail: text("customer_email").notNull(),
    /** What the customer is found by: src/orders/words.ts. Null: not written yet, of an order from before; a minute does it. */
    customerWords: text("customer_words"),
    shippingAddress: text("shipping_address"),
    currency: text("currency").notNull(),
    /** Minor units of `currency`, as are the four below. */
    subtotal: integer("subtotal").notNull(),
    shipping: integer("shipping").notNull(),
    tax: integer("tax").notNull(),
    duty: integer("duty").notNull(),
    total: integer("total").notNull(),
    totalItems: integer("total_items").notNull(),
    notes: text("notes"),
    metadata: text("metadata"),
    /** Until when a `pending` order waits for its payment. */
    expiresAt: integer("expires_at"),
    version: integer("version").notNull(),
    /** The stamp of the batch that last moved this order: later statements of that batch join on it. */
    stamp: text("stamp").notNull(),
    /** Who placed it, for the first version in its history. Null for an order from before: that has a row there. */
    placedBy: text("placed_by"),
    /**
     * From where it was placed, as a pseudonym, where its units count against a limit of unpaid ones; empty: they count by
     * their e-mail address alone. Null: they do not count.
     */
    placedFrom: text("placed_from"),
    /** While it is at version 2: its first version, for the history row of that step, which is written after it. */
    placedAs: text("placed_as"),
    /** When it entered its present status. */
    statusAt: integer("status_at").notNull(),
    /** Payment events that were received for it and are not worked off: while there are any, it does not expire. */
    eventsOwed: integer("events_owed").notNull().default(0),
    /** When it was found too long in its status; null when it is not, or went on since. */
    delayedAt: integer("delayed_at"),
    /** How often its lost step was sent again since. */
    delayedRetries: integer("delayed_retries").notNull().default(0),
    /** When it became sold: confirmed, for the one time that it can be. Stays when it is cancelled. */
    soldAt: integer("sold_at"),
    /** When a sold one was cancelled, or closed with a part unsent. */
    droppedAt: integer("dropped_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    index("orders_batch").on(table.batchId, table.createdAt, table.id).where(sql`batch_id IS NOT NULL`),
    index("orders_user").on(table.userId, table.createdAt, table.id).where(sql`user_id IS NOT NULL`),
    // Finds the orders of a cart. Whatever the guards of placing and of a revival miss, two living ones cannot have one cart.
    uniqueIndex("orders_cart")
      .on(
        table.cartId,
        sql`(CASE WHEN status = 'rejected' OR status = 'cancelled' OR status = 'expired' THEN id ELSE '' END)`,
      )
      .where(sql`cart_id IS NOT NULL`),
    // Lists by status, payment and priority, alone and together, and by time: src/orders/read/list-states.ts merges its
    // ranges. All orders without a filter are read by their ids, which need no other index.
    index("orders_state").on(table.status, table.paymentStatus, table.priority, table.createdAt, table.id),
    // Also says when each order was sold, so that new buyers can be told from old ones without another index to write.
    index("orders_email").on(table.customerEmail, table.createdAt, table.id, table.soldAt),
    index("orders_due").on(table.expiresAt).where(sql`status = 'pending'`),
    // The units that wait for their payment, by whom they are counted.
    index("orders_unpaid_email")
      .on(table.customerEmail, table.totalItems)
      .where(sql`status = 'pending' AND placed_from IS NOT NULL`),
    index("orders_unpaid_from")
      .on(table.placedFrom, table.totalItems)
      .where(sql`status = 'pending' AND placed_from IS NOT NULL`),
    // An order in work is in the first of these; once it is found delayed, in the other two, and so the first stays short.
    index("orders_in_work")
      .on(table.statusAt, table.id)
      .where(sql`status IN ('confirmed', 'processing', 'shipped') AND delayed_at IS NULL`),
    index("orders_delayed")
      .on(table.statusAt, table.id)
      .where(sql`status IN ('confirmed', 'processing', 'shipped') AND delayed_at IS NOT NULL`),
    index("orders_rounds")
      .on(table.delayedRetries, table.delayedAt)
      .where(sql`status IN ('confirmed', 'processing', 'shipped') AND delayed_at IS NOT NULL`),
    // Those that were sold when they were placed are found by that.
    index("orders_sold_later")
      .on(table.soldAt, table.customerEmail)
      .where(sql`sold_at IS NOT NULL AND sold_at <> created_at`),
    index("orders_unworded").on(table.id).where(sql`customer_words IS NULL`),
    index("orders_dropped").on(table.droppedAt).where(sql`dropped_at IS NOT NULL`),
  ],
);

/** Title and price as they were at order time. One row for each product of an order. */
export const orderItems = sqliteTable(
  "order_items",
  {
    orderId: text("order_id").notNull(),
    productId: text("product_id").notNull(),
    /** The order of the lines, from 0. */
    line: integer("line").notNull(),
    sku: text("sku").notNull(),
    title: text("title").notNull(),
    quantity: integer("quantity").notNull(),
    /** Minor units of the order's currency. */
    unitPrice: integer("unit_price").notNull(),
    /** `[{store_id, quantity, shipped}]`: where the units are held, and how many of them have left. */
    allocations: text("allocations").notNull(),
    /** For a rejected order: what was available when it fell short. */
    available: integer("available"),
  },
  (table) => [primaryKey({ columns: [table.orderId, table.productId] })],
);

/** Which stores an order takes stock from, for their order lists, newest first by id. */
export const orderStores = sqliteTable(
  "order_stores",
  {
    storeId: text("store_id").notNull(),
    orderId: text("order_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.storeId, table.orderId] })],
);

/**
 * Each word of `customer_words`, so that an order is found by the beginning of any of them. Kept by triggers, and in no
 * backup.
 */
export const orderWords = sqliteTable(
  "order_words",
  {
    word: text("word").notNull(),
    orderId: text("order_id").notNull(),
  },
  (table) => [primaryKey({ columns: [table.word, table.orderId] })],
);

/**
 * Every version of an order from its second on: who, when, from, to and why. The first repeats the order, and is made of it
 * when it is read: src/orders/read/history.ts. Orders from before have a row for it.
 */
export const orderHistory = sqliteTable(
  "order_history",
  {
    orderId: text("order_id").notNull(),
    version: integer("version").notNull(),
    from: text("from_status"),
    to: text("to_status").notNull(),
    at: integer("at").notNull(),
    actor: text("actor").notNull(),
    reason: text("reason"),
    /** The id of the command that made this version: a repeat of it recognises its own effect. */
    operation: text("operation"),
    snapshot: text("snapshot").notNull(),
    /** Of version 2: the snapshot of the first version, which has no row of its own. Null where it has, and in all others. */
    placedAs: text("placed_as"),
    /** What made this version. Null in rows from before it was written here: src/orders/read/history.ts finds it then. */
    kind: text("kind", { enum: HISTORY_KINDS }),
  },
  (table) => [primaryKey({ columns: [table.orderId, table.version] })],
);

/** What left a store for an order: all of it, or a part. The order's items say how much has left in all. */
export const shipments = sqliteTable(
  "shipments",
  {
    id: text("id").primaryKey(),
    orderId: text("order_id").notNull(),
    /** The order's version that it made. */
    orderVersion: integer("order_version").notNull(),
    /** `[{product_id, store_id, quantity}]`. */
    items: text("items").notNull(),
    tracking: text("tracking"),
    carrier: text("carrier"),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [index("shipments_order").on(table.orderId, table.createdAt)],
);

/** What came back. What is restocked goes to Stock by an operation of its own, the return's id. */
export const returns = sqliteTable(
  "returns",
  {
    id: text("id").primaryKey(),
    orderId: text("order_id").notNull(),
    orderVersion: integer("order_version").notNull(),
    storeId: text("store_id").notNull(),
    /** `[{product_id, quantity, restock}]`. */
    items: text("items").notNull(),
    reason: text("reason").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [index("returns_order").on(table.orderId, table.createdAt)],
);

/**
 * One row: up to where the figures below are added up, the first millisecond of a UTC day. A sale writes the least that
 * will do, and what long ranges are read from is made of it once its day is over: see statistics/add-up.ts.
 */
export const figuresAddedUp = sqliteTable("figures_added_up", {
  /** 1. */
  id: integer("id").primaryKey(),
  until: integer("until").notNull(),
});

/**
 * How many orders stand how, by when they were placed; and what was sold, by when it was sold, with what was cancelled or
 * closed subtracted at the time when that happened. One table, so that a sale that is paid by invoice writes one row. Kept by triggers, as is the
 * table below: see the migrations. In buckets of a quarter of an hour, since every time zone's midnight is on one; for days
 * that are added up, also in buckets of a UTC day.
 */
export const orderFigures = sqliteTable(
  "order_figures",
  {
    span: text("span", { enum: ["quarter", "day"] }).notNull(),
    /** The bucket's first millisecond. */
    start: integer("start").notNull(),
    currency: text("currency").notNull(),
    pending: integer("pending").notNull(),
    confirmed: integer("confirmed").notNull(),
    processing: integer("processing").notNull(),
    shipped: integer("shipped").notNull(),
    delivered: integer("delivered").notNull(),
    returned: integer("returned").notNull(),
    cancelled: integer("cancelled").notNull(),
    expired: integer("expired").notNull(),
    rejected: integer("rejected").notNull(),
    /** Orders that were sold. */
    sold: integer("sold").notNull(),
    units: integer("units").notNull(),
    /** Minor units of `currency`, as is the next. */
    amount: integer("amount").notNull(),
    /** Money promised back, by when it was promised. */
    refunded: integer("refunded").notNull(),
  },
  (table) => [primaryKey({ columns: [table.span, table.start, table.currency] })],
);

/**
 * Units sold of each product, by UTC day and in all the days that are added up (`all`, from 0); what was cancelled or
 * closed taken off.
 */
export const productFigures = sqliteTable(
  "product_figures",
  {
    span: text("span", { enum: ["day", "all"] }).notNull(),
    start: integer("start").notNull(),
    productId: text("product_id").notNull(),
    units: integer("units").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.span, table.start, table.productId] }),
    index("product_figures_top").on(table.units, table.productId).where(sql`span = 'all'`),
  ],
);
