import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** The e-mails sent in development, for GET /emails; one that was sent twice has two rows. */
export const emails = sqliteTable(
  "emails",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    /** The task that sent it. */
    workId: text("work_id").notNull(),
    to: text("to_address").notNull(),
    subject: text("subject").notNull(),
    text: text("text").notNull(),
    html: text("html").notNull(),
    sentAt: integer("sent_at").notNull(),
  },
  (table) => [index("emails_work").on(table.workId)],
);
