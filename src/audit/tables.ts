import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Who of the shop's people, programs and jobs changed what, written by triggers in the transaction of the change. Rows are
 * only ever added: triggers refuse the rest.
 */
export const auditLog = sqliteTable(
  "audit_log",
  {
    seq: integer("seq").primaryKey(),
    at: integer("at").notNull(),
    /** A user's or key's id; `system` where the shop acted by itself. */
    actor: text("actor").notNull(),
    /** `user.updated`. */
    action: text("action").notNull(),
    objectType: text("object_type").notNull(),
    objectId: text("object_id").notNull(),
    /** What changed, as JSON: secrets are left out, personal data is masked. Null for what was not there. */
    before: text("before"),
    after: text("after"),
    ip: text("ip"),
    requestId: text("request_id"),
  },
  (table) => [
    index("audit_log_object").on(table.objectType, table.objectId, table.at),
    index("audit_log_actor").on(table.actor, table.at),
    index("audit_log_action").on(table.action, table.at),
    index("audit_log_at").on(table.at),
  ],
);

/** Who acts in the transaction under way: it is put down at its beginning and taken away at its end, so nobody sees a row. */
export const acting = sqliteTable("acting", {
  id: integer("id").primaryKey(),
  actor: text("actor").notNull(),
  ip: text("ip"),
  requestId: text("request_id"),
  at: integer("at").notNull(),
});
