import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

export const categories = sqliteTable(
  "categories",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    description: text("description").notNull(),
    version: integer("version").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    uniqueIndex("categories_name").on(sql`lower(${table.name})`),
    index("categories_created_at").on(table.createdAt, table.id),
  ],
);

export const stores = sqliteTable(
  "stores",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    address: text("address").notNull(),
    /** ISO 3166-1 alpha-2. */
    country: text("country").notNull(),
    /** Lower is preferred when Holdfast chooses the store. */
    priority: integer("priority").notNull(),
    version: integer("version").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [index("stores_created_at").on(table.createdAt, table.id)],
);

export const products = sqliteTable(
  "products",
  {
    id: text("id").primaryKey(),
    sku: text("sku").notNull().unique(),
    title: text("title").notNull(),
    description: text("description").notNull(),
    categoryId: text("category_id").notNull(),
    /** Integer minor units of `currency`. */
    price: integer("price").notNull(),
    currency: text("currency").notNull(),
    lowStockThreshold: integer("low_stock_threshold").notNull(),
    /** An archived product is not active: it can be read, never ordered. */
    active: integer("active", { mode: "boolean" }).notNull(),
    attributes: text("attributes", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    version: integer("version").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    index("products_created_at").on(table.createdAt, table.id),
    index("products_category").on(table.categoryId, table.createdAt, table.id),
    index("products_price").on(table.price, table.id),
  ],
);

/** Each change of a product, by whom: what it looked like after it. */
export const productHistory = sqliteTable(
  "product_history",
  {
    productId: text("product_id").notNull(),
    version: integer("version").notNull(),
    at: integer("at").notNull(),
    actor: text("actor").notNull(),
    action: text("action", { enum: ["created", "updated", "archived"] }).notNull(),
    snapshot: text("snapshot", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.productId, table.version] })],
);
