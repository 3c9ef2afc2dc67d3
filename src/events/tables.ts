import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The ordered log of all that changed. D1 has one writer, so a cursor over `seq` never skips a late one. The next `seq` is one
 * more than the largest: the newest event is never deleted, so that none is given twice. AUTOINCREMENT would say the same, and
 * write a row more with each event.
 */
export const events = sqliteTable("events", {
  seq: integer("seq").primaryKey(),
  id: text("id").notNull(),
  type: text("type").notNull(),
  at: integer("at").notNull(),
  objectType: text("object_type").notNull(),
  objectId: text("object_id").notNull(),
  objectVersion: integer("object_version").notNull(),
  data: text("data").notNull(),
});

/**
 * The transactional outbox: a row for each task that must be done because of a change. The row alone counts, with its
 * attempts, backoff, lease and death. Its queue message is only a wake-up, and may be lost.
 */
export const work = sqliteTable(
  "work",
  {
    id: text("id").primaryKey(),
    task: text("task").notNull(),
    /** The order, or other thing, that it is about. */
    objectId: text("object_id").notNull(),
    payload: text("payload").notNull(),
    state: text("state", { enum: ["owed", "done", "dead"] }).notNull(),
    /** No worker may begin it before this time. Each lease and each failure moves it on. */
    notBefore: integer("not_before").notNull(),
    attempts: integer("attempts").notNull(),
    /** The stamp of the attempt under way: only the worker that holds it may mark the row. */
    lease: text("lease"),
    error: text("error"),
    /** Of the request that caused it. */
    requestId: text("request_id"),
    createdAt: integer("created_at").notNull(),
    startedAt: integer("started_at"),
    finishedAt: integer("finished_at"),
  },
  (table) => [
    index("work_due").on(table.notBefore, table.id).where(sql`state = 'owed'`),
    index("work_dead").on(table.finishedAt, table.id).where(sql`state = 'dead'`),
    // Asked by who begins a walk over the stock, and by who sends a lost step again. The tasks of a placed order are left
    // out, so that a sale writes no entry here.
    index("work_on_its_way")
      .on(table.objectId)
      .where(sql`state = 'owed' AND (task = 'reconcile' OR task = 'fulfilment-step')`),
  ],
);
