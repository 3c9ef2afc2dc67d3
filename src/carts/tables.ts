import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What a buyer may order. A cart is spent while a living order names it, which is read from the orders: see `spentBy`. */
export const carts = sqliteTable(
  "carts",
  {
    id: text("id").primaryKey(),
    /** Null for a guest's cart, which belongs to whoever has its token. */
    userId: text("user_id"),
    /** SHA-256 of a guest's token. It stays when the cart becomes a user's, only so that a repeated sign-in finds it. */
    tokenHash: text("token_hash"),
    /** Increased by each change of the items. */
    version: integer("version").notNull(),
    /** The stamp of the batch that last changed the cart. The later statements of that batch are joined on it. */
    stamp: text("stamp").notNull(),
    /** The user's cart into which this one was merged at sign-in; this one is then closed. */
    mergedInto: text("merged_into"),
    /** The last order that was recorded for the cart, living or dead. */
    lastOrderId: text("last_order_id"),
    createdAt: integer("created_at").notNull(),
    /** When it was last changed or ordered, in milliseconds since the epoch. */
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
    /** The position of the item in the cart. */
    line: integer("line").notNull(),
    quantity: integer("quantity").notNull(),
    /** The price when the item was last put, in minor units of `currency`. It only serves to show a change of the price. */
    unitPrice: integer("unit_price").notNull(),
    currency: text("currency").notNull(),
  },
  (table) => [primaryKey({ columns: [table.cartId, table.productId] })],
);
