import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What a buyer means to order. Whether it is spent is asked of the orders that name it: see `spentBy`. */
export const carts = sqliteTable(
  "carts",
  {
    id: text("id").primaryKey(),
    /** Null: whoever has the token. */
    userId: text("user_id"),
    /** SHA-256 of a guest's token. It opens no cart that became a user's, and is kept for a repeated sign-in to know. */
    tokenHash: text("token_hash"),
    /** Each change of what is in it is one. */
    version: integer("version").notNull(),
    /** The stamp of the batch that last changed it: later statements of that batch join on it. */
    stamp: text("stamp").notNull(),
    /** The user's cart that this one went into when its guest signed in: it is closed. */
    mergedInto: text("merged_into"),
    /** The last order that was recorded for it, whatever became of that. */
    lastOrderId: text("last_order_id"),
    createdAt: integer("created_at").notNull(),
    /** When it was last changed or ordered, milliseconds. */
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    index("carts_token").on(table.tokenHash).where(sql`token_hash IS NOT NULL`),
    index("carts_user").on(table.userId, table.createdAt, table.id).where(sql`user_id IS NOT NULL`),
    index("carts_guests_untouched").on(table.updatedAt).where(sql`user_id IS NULL`),
    index("carts_users_untouched").on(table.updatedAt).where(sql`user_id IS NOT NULL`),
  ],
);

export const cartItems = sqliteTable(
  "cart_items",
  {
    cartId: text("cart_id").notNull(),
    productId: text("product_id").notNull(),
    /** The order of the items: later ones have larger numbers. */
    line: integer("line").notNull(),
    quantity: integer("quantity").notNull(),
    /** What the product cost when the item was last put, in minor units of `currency`. Only to tell of a change. */
    unitPrice: integer("unit_price").notNull(),
    currency: text("currency").notNull(),
  },
  (table) => [primaryKey({ columns: [table.cartId, table.productId] })],
);
