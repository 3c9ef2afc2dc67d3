import { wakeDueTasks } from "../../events/wake-up.ts";
import { resolveDelayed } from "../../orders/delayed/resolve.ts";
import { expireUnpaid } from "../../orders/steps/expire.ts";
import { reconcileStock } from "../reconcile/reconcile-all.ts";
import { makeDailyReports } from "../reports/make.ts";
import { cleanUp } from "./clean-up.ts";
import { sendLowStockNotice } from "./low-stock-notice.ts";
import type { Job } from "./run.ts";

/** Each minute, or each few. */
const MINUTELY = { rule: /^\*(\/([1-9]|1[0-5]))? \* \* \* \*$/, often: "every 15 minutes" };
const DAILY = { rule: /^\S+ \S+ \* \* \*$/, often: "every day" };

export const JOBS: readonly Job[] = [
  {
    name: "expire-unpaid",
    schedule: "* * * * *",
    sweep: true,
    needed: MINUTELY,
    handler: async (context) => counted("expired", await expireUnpaid(context)),
  },
  { name: "resolve-delayed", schedule: "* * * * *", sweep: true, handler: resolveDelayed },
  {
    name: "send-owed",
    schedule: "* * * * *",
    sweep: true,
    needed: MINUTELY,
    handler: async (context, { ahead }) =>
      counted("rang for", await wakeDueTasks(context, Math.max(0, ahead))),
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
    needed: DAILY,
    handler: (context, run) => reconcileStock(context, run),
  },
];

export const findJob = (name: string): Job | undefined => JOBS.find((job) => job.name === name);

const counted = (done: string, count: number): string | null => (count === 0 ? null : `${done} ${count}`);
