import type { Context } from "../../platform/context.ts";
import { run, sql } from "../../platform/sql.ts";
import type { Job } from "./run.ts";
import type { JobChange } from "./schemas.ts";

/**
 * Gives a job another rule, or switches it. What a new rule would have named before now is no missed moment, nor is
 * what passed while the job was off: its schedule counts as run up to now. What is left out stays as it is; where all
 * is left out, nothing is written.
 */
export async function changeJob({ env, clock }: Context, job: Job, change: JobChange): Promise<void> {
  const { schedule, enabled } = change;
  if (schedule === undefined && enabled === undefined) return;
  const rule = schedule ?? null;
  const isRuled = schedule === undefined ? 0 : 1;
  const isOn = enabled === undefined ? null : Number(enabled);
  const now = clock.now();
  await run(
    env.DB,
    sql`
      INSERT INTO jobs (name, schedule, enabled, ran_for) VALUES (${job.name}, ${rule}, coalesce(${isOn}, 1), ${now})
      ON CONFLICT (name) DO UPDATE SET
        schedule = CASE WHEN ${isRuled} THEN ${rule} ELSE jobs.schedule END,
        enabled = coalesce(${isOn}, jobs.enabled),
        ran_for = CASE WHEN (${isRuled} AND jobs.schedule IS NOT ${rule}) OR coalesce(${isOn}, 0) > jobs.enabled
          THEN max(coalesce(jobs.ran_for, 0), ${now}) ELSE jobs.ran_for END`,
  );
}
