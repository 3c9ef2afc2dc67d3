import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * How much is left of what is on sale: `low` at or below the product's threshold, `out` with nothing available. What is
 * archived is neither.
 */
const STOCK_STATES = ["healthy", "low", "out", "archived"] as const;
/** The condition of the indexes that lead to what is scarce: what is healthy costs them nothing. */
const SCARCE = sql`state = 'low' OR state = 'out'`;

/**
 * The projection of each Stock object's levels, for lists, search and the choice of a store. A hint: what decides
 * asks the object. A row is replaced only by a newer report: a later epoch, or a higher version of the same. Whoever
 * writes one, triggers bring its state and what is counted below up to it.
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
    /** Of this store's own units against the product's threshold. Triggers write it. */
    state: text("state", { enum: STOCK_STATES }).notNull().default("archived"),
    /** The product's title in lower case, for lists by title; null when it is archived. Triggers write it. */
    sortTitle: text("sort_title"),
  },
  (table) => [
    primaryKey({ columns: [table.productId, table.storeId] }),
    index("stock_levels_store").on(table.storeId, table.productId),
    // What a store has: far less than what it ever had.
    index("stock_levels_on_shelf").on(table.storeId, table.productId).where(sql`state IN ('healthy', 'low')`),
    index("stock_levels_title")
      .on(table.storeId, table.sortTitle, table.productId)
      .where(sql`sort_title IS NOT NULL`),
    index("stock_levels_scarce").on(table.available, table.productId, table.storeId).where(SCARCE),
    index("stock_levels_scarce_store").on(table.storeId, table.available, table.productId).where(SCARCE),
  ],
);

/** Each product's levels added up over all stores, by triggers on both. One row for each product, stocked or not. */
export const productStock = sqliteTable(
  "product_stock",
  {
    productId: text("product_id").primaryKey(),
    onHand: integer("on_hand").notNull(),
    reserved: integer("reserved").notNull(),
    available: integer("available").notNull(),
    /** How many stores have a level of it; 0: it was never stocked. */
    stores: integer("stores").notNull(),
    state: text("state", { enum: STOCK_STATES }).notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [index("product_stock_scarce").on(table.available, table.productId).where(SCARCE)],
);

/** What each store has, added up by triggers over its levels; of what is on sale, save for `levels`. */
export const storeStock = sqliteTable("store_stock", {
  storeId: text("store_id").primaryKey(),
  /** All of its levels, archived products' too. */
  levels: integer("levels").notNull(),
  products: integer("products").notNull(),
  /** On hand. */
  units: integer("units").notNull(),
  available: integer("available").notNull(),
  lowStock: integer("low_stock").notNull(),
  outOfStock: integer("out_of_stock").notNull(),
});

/** How many products are in each state, counted by triggers. */
export const stockStates = sqliteTable("stock_states", {
  state: text("state", { enum: STOCK_STATES }).primaryKey(),
  products: integer("products").notNull(),
});

/**
 * One row from when a product comes to or below its threshold until it is above again and people were told: so each
 * time it falls there is one notice. In backups, since the projection cannot say what was told.
 */
export const lowStock = sqliteTable(
  "low_stock",
  {
    productId: text("product_id").primaryKey(),
    since: integer("since").notNull(),
    told: integer("told", { mode: "boolean" }).notNull(),
  },
  (table) => [index("low_stock_untold").on(table.productId).where(sql`told = 0`)],
);
