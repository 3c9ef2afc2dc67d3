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
    /** The name as names are compared (platform/text/name-key.ts); null until the Worker has folded it. */
    nameKey: text("name_key"),
    /** What the index has of the name; null where FTS5 makes the same of the name itself. */
    nameWords: text("name_words"),
  },
  (table) => [
    uniqueIndex("categories_name").on(sql`lower(${table.name})`),
    uniqueIndex("categories_name_key").on(table.nameKey),
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
    /** As of `categories`. */
    nameKey: text("name_key"),
  },
  (table) => [
    index("stores_created_at").on(table.createdAt, table.id),
    uniqueIndex("stores_name_key").on(table.nameKey),
  ],
);

const ARCHIVED = sql`active = 0`;

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
    /** How many units one order of guests and customers may have; null for any number. */
    maxPerOrder: integer("max_per_order"),
    /** An archived product is not active: it can be read, never ordered. */
    active: integer("active", { mode: "boolean" }).notNull(),
    attributes: text("attributes", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
    version: integer("version").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /** What the Worker writes beside the texts (search/folded.ts), since SQLite folds only A to Z: words for the index, null
     * where FTS5 makes the same of the text itself; */
    titleWords: text("title_words"),
    descriptionWords: text("description_words"),
    /** the sku by its letters and digits alone; */
    skuKey: text("sku_key"),
    /** and by what lists are sorted. */
    titleKey: text("title_key"),
    /** 0: these are still to be written, as of what was there before them; 1 otherwise. */
    folded: integer("folded").notNull().default(0),
  },
  (table) => [
    index("products_sku_key").on(table.skuKey),
    index("products_unfolded").on(table.id).where(sql`folded = 0`),
    index("products_created_at").on(table.createdAt, table.id),
    index("products_category").on(table.categoryId, table.createdAt, table.id),
    index("products_price").on(table.price, table.id),
    // Archived products are few and are listed by themselves. As partial indexes these cost products on sale nothing.
    index("products_archived").on(table.createdAt, table.id).where(ARCHIVED),
    index("products_archived_price").on(table.price, table.id).where(ARCHIVED),
    index("products_archived_category").on(table.categoryId, table.createdAt, table.id).where(ARCHIVED),
    index("products_archived_category_price").on(table.categoryId, table.price, table.id).where(ARCHIVED),
    index("products_category_price").on(table.categoryId, table.price, table.id),
  ],
);

/**
 * The products on sale, in a narrow table for lists and search. Its integer id is the rowid of the text index, because the
 * implicit rowid of a table with a text key may change in a restore. Derived: triggers in the migrations keep this table,
 * the text index (`product_index`) and the words of titles (`title_words`, `title_word_index`) in step with products,
 * categories and the projection of stock. Nothing else writes them, and backups leave them out.
 */
export const productDocuments = sqliteTable(
  "product_documents",
  {
    id: integer("id").primaryKey(),
    productId: text("product_id").notNull().unique(),
    categoryId: text("category_id").notNull(),
    price: integer("price").notNull(),
    createdAt: integer("created_at").notNull(),
    /** Whether it is available in any store. */
    inStock: integer("in_stock", { mode: "boolean" }).notNull(),
  },
  // An index for each combination: all or one category, with or without what is out of stock, by age or by price.
  (table) => [
    index("documents_newest").on(table.createdAt, table.productId),
    index("documents_price").on(table.price, table.productId),
    index("documents_category_newest").on(table.categoryId, table.createdAt, table.productId),
    index("documents_category_price").on(table.categoryId, table.price, table.productId),
    index("documents_stocked_newest").on(table.createdAt, table.productId).where(sql`in_stock = 1`),
    index("documents_stocked_price").on(table.price, table.productId).where(sql`in_stock = 1`),
    index("documents_stocked_category_newest")
      .on(table.categoryId, table.createdAt, table.productId)
      .where(sql`in_stock = 1`),
    index("documents_stocked_category_price")
      .on(table.categoryId, table.price, table.productId)
      .where(sql`in_stock = 1`),
  ],
);

/**
 * How many documents each category has, and how many of them are in stock; the row with an empty id is for all. Triggers on
 * the documents keep it, so that a list need not count rows.
 */
export const documentCounts = sqliteTable("document_counts", {
  categoryId: text("category_id").primaryKey(),
  products: integer("products").notNull(),
  inStock: integer("in_stock").notNull(),
});

/** Every word that a title ever had, in lower case, without digits: the candidates for correcting a misspelt word. */
export const titleWords = sqliteTable("title_words", {
  id: integer("id").primaryKey(),
  word: text("word").notNull().unique(),
});

/** Each change of a product: who made it, and the product after it. */
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
