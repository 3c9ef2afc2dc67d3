import type { Context } from "../../platform/context.ts";
import type { Job } from "./run.ts";
import type { JobChange } from "./schemas.ts";

/**
 * Gives a job another rule, or switches it. What a new rule would have named before now is no missed moment, nor is
 * what passed while the job was off: its schedule counts as run up to now. What is left out stays as it is, and where all is, nothing is written.
 */
export async function changeJob({ env, clock }: Context, job: Job, change: JobChange): Promise<void> {
  const { schedule, enabled } = change;
  if (schedule === undefined && enabled === undefined) return;
  await env.DB.prepare(
    `INSERT INTO jobs (name, schedule, enabled, ran_for) VALUES (?1, ?2, coalesce(?4, 1), ?5)
     ON CONFLICT (name) DO UPDATE SET
       schedule = CASE WHEN ?3 THEN ?2 ELSE jobs.schedule END,
       enabled = coalesce(?4, jobs.enabled),
       ran_for = CASE WHEN (?3 AND jobs.schedule IS NOT ?2) OR coalesce(?4, 0) > jobs.enabled
         THEN max(coalesce(jobs.ran_for, 0), ?5) ELSE jobs.ran_for END`,
  )
    .bind(
      job.name,
      schedule ?? null,
      schedule === undefined ? 0 : 1,
      enabled === undefined ? null : Number(enabled),
      clock.now(),
    )
    .run();
}
