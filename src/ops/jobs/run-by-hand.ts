import type { TaskName } from "../../events/tasks.ts";
import { wakeUp } from "../../events/wake-up.ts";
import { isoTimestamp } from "../../platform/clock.ts";
import type { Context } from "../../platform/context.ts";
import { prefixed } from "../../platform/ids.ts";
import { all, run as execute, sql } from "../../platform/sql.ts";
import { perform, recordEnds } from "./perform.ts";
import type { Job } from "./run.ts";
import type { JobRunWire } from "./schemas.ts";

/**
 * Runs a job now, besides its schedule. Jobs are safe to run twice, so this needs no Idempotency-Key.
 * @param at runs the job as if it were that time, milliseconds; null for now
 */
export async function runByHand(context: Context, job: Job, at: number | null): Promise<JobRunWire> {
  const { env, clock } = context;
  const id = prefixed("run", context.ids.next());
  const startedAt = clock.now();
  await execute(
    env.DB,
    sql`INSERT INTO job_runs (id, name, scheduled_for, started_at, outcome)
      VALUES (${id}, ${job.name}, ${at}, ${startedAt}, 'running')`,
  );

  const shift = at === null ? 0 : at - startedAt;
  const shifted: Context = {
    ...context,
    requestId: shift === 0 ? context.requestId : id,
    clock: { now: () => clock.now() + shift, sleep: (milliseconds) => clock.sleep(milliseconds) },
  };
  const run = { id, startedAt, since: null, ahead: shift };
  const report = await perform(shifted, job, run, () => clock.now());
  await recordEnds(context, [report]);
  if (shift !== 0) await shiftBack(context, id, shift);
  return {
    id,
    name: job.name,
    scheduled_for: at === null ? null : isoTimestamp(at),
    at: isoTimestamp(startedAt),
    outcome: report.outcome,
    duration_ms: report.finishedAt === null ? null : report.finishedAt - startedAt,
    detail: report.detail,
  };
}

/** Moves the tasks of a run at another time to the real clock, by which their consumers go. */
async function shiftBack(context: Context, requestId: string, shift: number): Promise<void> {
  const shifted = await all(
    context.env.DB,
    sql<{ id: string; task: TaskName }>`
      UPDATE work SET not_before = not_before - ${shift}, created_at = created_at - ${shift}
      WHERE state = 'owed' AND request_id = ${requestId} RETURNING id, task`,
  );
  await wakeUp(context, shifted);
}
