import { ringOwed } from "./events/work.ts";
import { expireUnpaid } from "./orders/jobs.ts";
import { setAsideDead } from "./payments/set-aside.ts";
import type { Context } from "./platform/context.ts";
import { forgetOldKeys } from "./platform/idempotency.ts";
import { describeError } from "./platform/log.ts";

interface Job {
  name: string;
  /** Returns how much was done. */
  run: (context: Context) => Promise<number>;
}

/** What was set aside may expire, and what expires owes work, so the bells come after it. */
const JOBS: Job[] = [
  { name: "set-aside-dead", run: setAsideDead },
  { name: "expire-unpaid", run: expireUnpaid },
  { name: "send-owed", run: ringOwed },
  { name: "clean-up", run: forgetOldKeys },
];

/** Cron -> jobs. Each minute, one after the other; one that fails is told in the log and stops none of the others. */
export async function runSchedule(context: Context): Promise<void> {
  for (const job of JOBS) await runJob(context, job);
}

async function runJob(context: Context, { name, run }: Job): Promise<void> {
  const log = context.log.with({ job: name });
  const start = context.clock.now();
  try {
    const done = await run({ ...context, log });
    log.info("a job ran", { done, duration_ms: context.clock.now() - start });
  } catch (error) {
    log.error("a job failed", { error: describeError(error), duration_ms: context.clock.now() - start });
  }
}
