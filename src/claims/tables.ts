import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The fate of one try at an order's stock, written once and never changed. No row: not decided yet. What a Stock
 * object holds for a claim lives only while this row is missing, or says `placed` and a living order names the claim.
 */
export const claims = sqliteTable("claims", {
  id: text("id").primaryKey(),
  fate: text("fate", { enum: ["placed", "rejected", "abandoned"] }).notNull(),
  /** Null for `abandoned`: nothing came of it. */
  orderId: text("order_id"),
  /** The stamp of the batch that won this row. */
  stamp: text("stamp").notNull(),
  decidedAt: integer("decided_at").notNull(),
});
