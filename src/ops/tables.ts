import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What a person changed of a job, and how far its schedule has been run. A job without a row is as it was built. */
export const jobs = sqliteTable("jobs", {
  name: text("name").primaryKey(),
  /** A cron rule of five fields in `TIME_ZONE`; null for the built-in one. */
  schedule: text("schedule"),
  enabled: integer("enabled", { mode: "boolean" }).notNull(),
  /** The last moment of its schedule that a run was begun for: compare-and-set, so that each has one run. */
  ranFor: integer("ran_for"),
});

/** Each run of a job. Kept for `RETENTION_DAYS`. */
export const jobRuns = sqliteTable(
  "job_runs",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    /** The moment of the schedule that it was run for; null when a person started it. */
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

/** A day's figures as they were when its report was made. Written once for each day in the shop's time zone. */
export const dailyReports = sqliteTable("daily_reports", {
  /** YYYY-MM-DD in `TIME_ZONE`. */
  date: text("date").primaryKey(),
  figures: text("figures").notNull(),
  madeAt: integer("made_at").notNull(),
});

/**
 * What the whole shop is in. `selling` is `open`, `stopped` by an admin or until a restore's reconciliation has ended, or
 * `restoring` while a backup overwrites it.
 */
export const shopState = sqliteTable("shop_state", {
  key: text("key").primaryKey(),
  value: text("value").notNull(),
  since: integer("since").notNull(),
});
