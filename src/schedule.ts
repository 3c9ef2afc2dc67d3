import { ringOwed } from "./events/work.ts";
import { expireUnpaid } from "./orders/jobs.ts";
import type { Context } from "./platform/context.ts";

/** Cron -> jobs. Each minute: what waited too long, then what is owed. */
export async function runSchedule(context: Context): Promise<void> {
  await expireUnpaid(context);
  await ringOwed(context);
}
