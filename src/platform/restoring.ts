import type { Context } from "./context.ts";
import { first, sql } from "./sql.ts";

/**
 * While a backup overwrites the shop, nothing else may write, since what was acknowledged would be gone afterwards. The
 * state is the row `selling` of `shop_state`. No restore overwrites that row, so a restore that dies leaves the shop closed
 * until another one ends or an admin opens it by hand. Three kinds of writers are kept out:
 *
 * - Orders and their money, payment events, tasks, and the fates that Stock asks for. Each of these is one batch, and asks
 *   in that very batch: `REFUSE_WHILE_RESTORING` makes it fail, and a single statement has `IS_RESTORING` as a condition.
 *   However long such a writer slept, it cannot write into half a shop.
 * - All other requests ask `mayWrite`, which calls D1 only once in a while. A restore overwrites nothing before every
 *   isolate must have asked again and the requests that were let in must have ended (src/cli/restore-shop.ts).
 * - Tasks and jobs that had begun: the restore waits for them, by the rows in `work` and `job_runs`.
 */
export const IS_RESTORING = sql`EXISTS (
  SELECT 1 FROM shop_state AS s WHERE s.key = 'selling' AND s.value = 'restoring')`;

/** How long an isolate relies on having seen that no restore goes on. */
export const KNOWN_FOR_MS = 5_000;

/**
 * A statement that makes its batch fail, with nothing written, while the shop is being restored: `restoring` is no JSON,
 * and SQLite has no plainer way to fail on purpose. Whoever sees a batch fail asks `isRestoring` for the reason.
 */
export const REFUSE_WHILE_RESTORING = sql`
  SELECT json(value) FROM shop_state WHERE key = 'selling' AND value = 'restoring'`;

export async function isRestoring({ env }: Pick<Context, "env">): Promise<boolean> {
  return (await first(env.DB, sql`SELECT 1 WHERE ${IS_RESTORING}`)) !== null;
}

/** When an isolate last saw that no restore goes on, by its environment object. */
const seenWhole = new WeakMap<object, number>();

/** Makes the isolate look again, like a new one: for tests, whose clock goes back. */
export const forgetSeen = (env: object): boolean => seenWhole.delete(env);

/** False while a backup is being restored. A true may be as old as `KNOWN_FOR_MS`. */
export async function mayWrite({ env, clock }: Pick<Context, "env" | "clock">): Promise<boolean> {
  const now = clock.now();
  const seen = seenWhole.get(env);
  if (seen !== undefined && seen <= now && now - seen < KNOWN_FOR_MS) return true;
  if (await isRestoring({ env })) return false;
  // The time before the question, since the answer may have been long on its way.
  seenWhole.set(env, now);
  return true;
}
