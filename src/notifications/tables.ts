import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** In development each mail that was sent is kept here, to be read at GET /emails: one row for each sending. */
export const emails = sqliteTable(
  "emails",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    /** The work owed that it was sent for; twice here means a sender died between sending and its mark. */
    workId: text("work_id").notNull(),
    to: text("to_address").notNull(),
    subject: text("subject").notNull(),
    text: text("text").notNull(),
    html: text("html").notNull(),
    sentAt: integer("sent_at").notNull(),
  },
  (table) => [index("emails_work").on(table.workId)],
);
