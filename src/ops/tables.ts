import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What a person changed of a job, and up to when its schedule was run. A job without a row is as in jobs/table.ts. */
export const jobs = sqliteTable("jobs", {
  name: text("name").primaryKey(),
  /** A cron rule of five fields in `TIME_ZONE`; null for the built-in one. */
  schedule: text("schedule"),
  enabled: integer("enabled", { mode: "boolean" }).notNull(),
  /** The last time of its schedule that a run was begun for. Set by compare-and-set, so that each time has one run. */
  ranFor: integer("ran_for"),
});

/** Each run of a job. Kept for `RETENTION_DAYS`. */
export const jobRuns = sqliteTable(
  "job_runs",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    /** The time of the schedule that it was run for; null when a person started it. */
    scheduledFor: integer("scheduled_for"),
    startedAt: integer("started_at").notNull(),
    finishedAt: integer("finished_at"),
    outcome: text("outcome", { enum: ["running", "done", "failed"] }).notNull(),
    detail: text("detail"),
  },
  (table) => [
    index("job_runs_name").on(table.name, table.startedAt),
    index("job_runs_at").on(table.startedAt),
  ],
);

/** A day's figures as they were when its report was made. Written once for each day of the shop's time zone. */
export const dailyReports = sqliteTable("daily_reports", {
  /** YYYY-MM-DD in `TIME_ZONE`. */
  date: text("date").primaryKey(),
  figures: text("figures").notNull(),
  madeAt: integer("made_at").notNull(),
});

/**
 * States of the whole shop. `selling` is `open`; `stopped` by an admin, or until the reconciliation after a restore has
 * ended; or `restoring` while a backup is restored.
 */
export const shopState = sqliteTable("shop_state", {
  key: text("key").primaryKey(),
  value: text("value").notNull(),
  since: integer("since").notNull(),
});
