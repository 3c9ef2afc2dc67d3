import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Every POST with an Idempotency-Key first inserts its key here, with the operation id that retries and concurrent twins
 * then share. The answer is written once, and a replay sends it again.
 */
export const idempotency = sqliteTable(
  "idempotency",
  {
    /** `user:usr_…`, or `public` for guests; `cart:crt_…` for a checkout without a key. */
    scope: text("scope").notNull(),
    key: text("key").notNull(),
    /** SHA-256 of method, path and body. */
    fingerprint: text("fingerprint").notNull(),
    /** A ulid: the id of the operation behind this key, after which a placing's claim is named. */
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
 * One row with a random name for the current state of all public data. Triggers on the catalogue's tables set a new name
 * at each change, so that no writer can forget it. Random, so that a restore never brings back an earlier name.
 */
export const cacheGeneration = sqliteTable("cache_generation", {
  /** Always 1. */
  id: integer("id").primaryKey(),
  generation: text("generation").notNull(),
});

/** Metrics that cannot be counted from other tables: a count since ever for each name and labels. See counters.ts. */
export const counters = sqliteTable(
  "counters",
  {
    name: text("name").notNull(),
    /** JSON. Equal labels must be equal texts. */
    labels: text("labels").notNull(),
    value: integer("value").notNull(),
  },
  (table) => [primaryKey({ columns: [table.name, table.labels] })],
);
