import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The projection of each Stock object's levels, for lists, search and the choice of a store. A hint: what decides
 * asks the object. A row is replaced only by a newer report: a later epoch, or a higher version of the same.
 */
export const stockLevels = sqliteTable(
  "stock_levels",
  {
    productId: text("product_id").notNull(),
    storeId: text("store_id").notNull(),
    onHand: integer("on_hand").notNull(),
    reserved: integer("reserved").notNull(),
    available: integer("available").notNull(),
    /** When the object's storage was born, milliseconds: a restored object starts a new one. */
    epoch: integer("epoch").notNull(),
    /** The object's version when this level last changed. */
    version: integer("version").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.productId, table.storeId] }),
    index("stock_levels_store").on(table.storeId, table.productId),
    // What a store has: far less than what it ever had.
    index("stock_levels_on_shelf").on(table.storeId, table.productId).where(sql`available > 0`),
    index("stock_levels_available").on(table.available, table.productId, table.storeId),
  ],
);
