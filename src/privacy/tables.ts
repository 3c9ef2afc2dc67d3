import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Whose data was erased. No backup has it: a restore makes all of them recent, so that what it brings back is erased again. */
export const erasures = sqliteTable(
  "erasures",
  {
    userId: text("user_id").primaryKey(),
    /** The recent ones are looked at again. */
    at: integer("at").notNull(),
  },
  (table) => [index("erasures_at").on(table.at)],
);
