import type { Context } from "./context.ts";
import { first, sql } from "./sql.ts";

/**
 * While a backup overwrites the shop, nothing else may write: what was acknowledged would be gone after it. The state is
 * the row `selling` of `shop_state`, which no restore overwrites, so a restore that dies leaves the shop closed until one
 * ends, or an admin opens it by hand. Three kinds of writers are kept out:
 *
 * - What stands or falls with one batch looks in that very batch, exactly: `REFUSE_WHILE_RESTORING` ends it, and what takes
 *   or stores by one statement has `IS_RESTORING` for a condition. So it is for orders and their money, payment events,
 *   work owed and the fates that stock asks for: however long such a writer slept, it cannot write into half a shop.
 * - All other requests ask `mayWrite`, which costs a call to D1 only once in a while. A restore overwrites nothing before
 *   every isolate must have looked again and what was let in before must have ended (src/cli/restore-shop.ts).
 * - Tasks and jobs that had begun are waited for: they stand in `work` and `job_runs`.
 */
export const IS_RESTORING = sql`EXISTS (
  SELECT 1 FROM shop_state AS s WHERE s.key = 'selling' AND s.value = 'restoring')`;

/** How long an isolate relies on having seen that no restore goes on. */
export const KNOWN_FOR_MS = 5_000;

/**
 * A batch's statement that ends the batch, with nothing written, while the shop is being restored: that word is no JSON,
 * and SQLite has no plainer way to fail on purpose. Who sees a batch fail does not guess: it asks `isRestoring`.
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
