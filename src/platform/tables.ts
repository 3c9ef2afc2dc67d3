import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Every POST that takes an Idempotency-Key puts down its key here before anything else, with the operation id that
 * retries and concurrent twins then share. The answer is written once; a replay repeats it.
 */
export const idempotency = sqliteTable(
  "idempotency",
  {
    /** `user:usr_…`, or `public` for guests; `cart:crt_…` for what a cart itself stands for. */
    scope: text("scope").notNull(),
    key: text("key").notNull(),
    /** SHA-256 of method, path and body. */
    fingerprint: text("fingerprint").notNull(),
    /** A ulid: a placing's claim, or the id of the one operation behind this key. */
    operation: text("operation").notNull(),
    status: integer("status"),
    body: text("body"),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.scope, table.key] }),
    index("idempotency_created_at").on(table.createdAt),
  ],
);

/**
 * One row with a random name for all that public answers are made from as it is now. Triggers on the catalogue's tables
 * give it a new one at each change, so that no writer can forget to, and none comes back after a restore.
 */
export const cacheGeneration = sqliteTable("cache_generation", {
  /** 1. */
  id: integer("id").primaryKey(),
  generation: text("generation").notNull(),
});

/** What is counted since ever and in nothing else: how often, by a metric's name and its labels. See counters.ts. */
export const counters = sqliteTable(
  "counters",
  {
    name: text("name").notNull(),
    /** JSON, written the same each time. */
    labels: text("labels").notNull(),
    value: integer("value").notNull(),
  },
  (table) => [primaryKey({ columns: [table.name, table.labels] })],
);
