import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The fate of one try at an order's stock, written once and never changed. Without a row the claim is not decided yet. A
 * Stock object may hold units for a claim only while its row is missing, or is `placed` and a living order names the claim.
 */
export const claims = sqliteTable("claims", {
  id: text("id").primaryKey(),
  fate: text("fate", { enum: ["placed", "rejected", "abandoned"] }).notNull(),
  /** Null for `abandoned`, since no order came of it. */
  orderId: text("order_id"),
  /** The stamp of the batch that won this row. */
  stamp: text("stamp").notNull(),
  decidedAt: integer("decided_at").notNull(),
});
