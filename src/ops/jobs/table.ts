import { ringOwed } from "../../events/work.ts";
import { resolveDelayed } from "../../orders/delayed/resolve.ts";
import { expireUnpaid } from "../../orders/jobs.ts";
import type { Context } from "../../platform/context.ts";
import { reconcileStock } from "../reconcile/walk.ts";
import { makeDailyReports } from "../reports/make.ts";
import { cleanUp } from "./clean-up.ts";
import { sendLowStockNotice } from "./low-stock-notice.ts";

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

export const JOBS: readonly Job[] = [
  {
    name: "expire-unpaid",
    schedule: "* * * * *",
    sweep: true,
    handler: async (context) => counted("expired", await expireUnpaid(context)),
  },
  { name: "resolve-delayed", schedule: "* * * * *", sweep: true, handler: resolveDelayed },
  {
    name: "send-owed",
    schedule: "* * * * *",
    sweep: true,
    handler: async (context, { ahead }) => counted("rang for", await ringOwed(context, Math.max(0, ahead))),
  },
  {
    name: "daily-report",
    schedule: "0 0 * * *",
    sweep: false,
    handler: (context, { since, startedAt }) => makeDailyReports(context, since, startedAt),
  },
  { name: "low-stock-notice", schedule: "0 7 * * *", sweep: false, handler: sendLowStockNotice },
  { name: "clean-up", schedule: "0 4 * * 0", sweep: false, handler: cleanUp },
  {
    name: "reconcile-stock",
    schedule: "0 3 * * *",
    sweep: false,
    handler: (context, run) => reconcileStock(context, run),
  },
];

export const findJob = (name: string): Job | undefined => JOBS.find((job) => job.name === name);

const counted = (done: string, count: number): string | null => (count === 0 ? null : `${done} ${count}`);
