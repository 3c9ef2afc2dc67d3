import type { Context } from "../../platform/context.ts";

/** What a job is told of the run that it is. */
export interface Run {
  id: string;
  /** Milliseconds, by the real clock. */
  startedAt: number;
  /** How far its schedule had been run before, milliseconds; null when a person started it. */
  since: number | null;
  /** How far its clock is before the one that consumers go by, milliseconds: 0 but for a run as if at another time. */
  ahead: number;
}

/**
 * What was done, in words; null when there was nothing to do. `goesOn`: what was done so far, where the rest is work owed
 * whose object is the run. The run is `running` until that work ends it by writeReports.
 */
export type JobResult = string | null | { goesOn: string };

export interface Job {
  name: string;
  /** The built-in cron rule, in `TIME_ZONE`. */
  schedule: string;
  /**
   * Sweeps run one after the other, in the order of the table: what expires owes work, so the bells come after it.
   * The rest run beside them, so that a slow one keeps nobody waiting.
   */
  sweep: boolean;
  /**
   * Must be safe to run twice and at once, and to be cut off at any point.
   */
  handler: (context: Context, run: Run) => Promise<JobResult>;
}

/** A run that ended, or goes on as work. Stamps are milliseconds. */
export interface RunReport {
  id: string;
  name: string;
  startedAt: number;
  /** Null while it goes on. */
  finishedAt: number | null;
  outcome: "done" | "failed" | "running";
  /** What was done, so far or at all, or why it failed. */
  detail: string;
}
