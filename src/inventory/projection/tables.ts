import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** How much is left of a product on sale: `low` at or below its threshold, `out` with nothing available. */
const STOCK_STATES = ["healthy", "low", "out", "archived"] as const;
/** The condition of the indexes of what is scarce, so that writing a healthy level costs them nothing. */
const SCARCE = sql`state = 'low' OR state = 'out'`;

/**
 * The projection of each Stock object's levels, for lists, search and the choice of a store. It is only a hint: whatever
 * decides asks the object. Only a newer report replaces a row: one with a later epoch, or the same epoch and a higher
 * version. Whoever writes a row, triggers keep its state and the counts below right.
 */
export const stockLevels = sqliteTable(
  "stock_levels",
  {
    productId: text("product_id").notNull(),
    storeId: text("store_id").notNull(),
    onHand: integer("on_hand").notNull(),
    reserved: integer("reserved").notNull(),
    available: integer("available").notNull(),
    /** When the object's storage was initialised, milliseconds: a restored object starts a new epoch. */
    epoch: integer("epoch").notNull(),
    /** The object's version when this level last changed. */
    version: integer("version").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /** Compares this store's units alone with the product's threshold. Triggers write it. */
    state: text("state", { enum: STOCK_STATES }).notNull().default("archived"),
    /** The product's `title_key`, for lists by title; null when the product is archived. Triggers write it. */
    sortTitle: text("sort_title"),
  },
  (table) => [
    primaryKey({ columns: [table.productId, table.storeId] }),
    index("stock_levels_store").on(table.storeId, table.productId),
    // Only what a store has now, which is far less than what it ever had.
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
    /** How many stores have a level of it; 0 if it was never stocked. */
    stores: integer("stores").notNull(),
    state: text("state", { enum: STOCK_STATES }).notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [index("product_stock_scarce").on(table.available, table.productId).where(SCARCE)],
);

/** What each store has of products on sale, added up over its levels by triggers. */
export const storeStock = sqliteTable("store_stock", {
  storeId: text("store_id").primaryKey(),
  /** Counts all its levels, those of archived products too. */
  levels: integer("levels").notNull(),
  products: integer("products").notNull(),
  /** Units on hand. */
  units: integer("units").notNull(),
  available: integer("available").notNull(),
  lowStock: integer("low_stock").notNull(),
  outOfStock: integer("out_of_stock").notNull(),
  /** When the newest of its levels was told by its object, milliseconds: what `as_of` is made of. */
  updatedAt: integer("updated_at").notNull().default(0),
});

/** How many products are in each state, counted by triggers. */
export const stockStates = sqliteTable("stock_states", {
  state: text("state", { enum: STOCK_STATES }).primaryKey(),
  products: integer("products").notNull(),
});

/**
 * A product that fell to its threshold or below. The row stays until the product is above the threshold again and people
 * were told, so that there is one notice each time it falls. Backups have it, since nothing else says who was told.
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
