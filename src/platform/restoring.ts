import type { Context } from "./context.ts";
import { isolateOf } from "./joined-check.ts";
import { first, type Sql, sql } from "./sql.ts";

/**
 * While a backup overwrites the shop, nothing else may write, since what was acknowledged would be gone afterwards. The
 * state is the row `selling` of `shop_state`. No restore overwrites that row, so a restore that dies leaves the shop closed
 * until another one ends or an admin opens it by hand. Three kinds of writers are kept out:
 *
 * - Orders and their money, payment events, tasks, and the fates that Stock asks for. Each of these is one batch, and asks
 *   in that very batch: `REFUSE_WHILE_RESTORING` makes it fail, and a single statement has `IS_RESTORING` as a condition.
 *   However long such a writer slept, it cannot write into half a shop.
 * - All other requests ask `writableGeneration`, which calls D1 only once in a while. A restore overwrites nothing before every
 *   isolate must have asked again and the requests that were let in must have ended (src/cli/restore-shop.ts).
 * - Tasks and jobs that had begun: the restore waits for them, by the rows in `work` and `job_runs`.
 *
 * A writer may also sleep through a whole restore and wake in the open shop. What it has read is then of another history,
 * in which the same ids and versions meant something else. So each restore raises the **restore generation** when it
 * begins. Whoever writes read the generation before everything else, and its commit fails if it is another by then. The
 * commands to Stock objects carry it, and a restored object refuses older ones.
 *
 * The restore's own calls are writers too, and may come late: from a request that slept, or from a second operator. So each
 * carries the generation that its restore has raised, and is refused unless the shop is being restored in exactly that one:
 * D1 by `refuseUnlessRestoring` in the very batch, a Stock object by its own row of `meta`.
 */
export const IS_RESTORING = sql`EXISTS (
  SELECT 1 FROM shop_state AS s WHERE s.key = 'selling' AND s.value = 'restoring')`;

/** How long an isolate relies on having seen that no restore goes on. */
export const KNOWN_FOR_MS = 5_000;

/** The restore generation: how many restores have begun. */
export const GENERATION = sql`coalesce((
  SELECT CAST(s.value AS INTEGER) FROM shop_state AS s WHERE s.key = 'generation'), 0)`;

/** Raises the generation. To be written with the state `restoring`. */
export const raiseGeneration = (now: number): Sql => sql`
  INSERT INTO shop_state (key, value, since) VALUES ('generation', '1', ${now})
  ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1, since = excluded.since`;

/**
 * A statement that makes its batch fail, with nothing written, while the shop is being restored: `restoring` is no JSON,
 * and SQLite has no plainer way to fail on purpose. Whoever sees a batch fail asks `wasRestored` for the reason.
 */
export const REFUSE_WHILE_RESTORING = sql`
  SELECT json(value) FROM shop_state WHERE key = 'selling' AND value = 'restoring'`;

/** As `REFUSE_WHILE_RESTORING`, and fails also if a restore has begun since this context read its generation. */
export function refuseRestored(context: Pick<Context, "generation">): Sql {
  const generation = generationOf(context);
  return sql`
  SELECT json('restoring ' || key) FROM shop_state
  WHERE (key = 'selling' AND value = 'restoring') OR (key = 'generation' AND value <> ${`${generation}`})`;
}

function generationOf<Known extends number | Sql>({ generation }: { generation: Known | undefined }): Known {
  if (generation === undefined) throw new Error("who writes must know the restore generation");
  return generation;
}

/**
 * SQL, for a statement that stands alone and is about a row that a restore may bring back: neither is the shop being
 * restored, nor has a restore begun since this context read its generation. What it knows of the row is of a history that
 * is gone otherwise, though the row has the same id, and even the same lease. What has it as a condition:
 *
 * - marks of tasks, by their lease or after the request that did the work itself: what was done was done to other objects;
 * - answers that are read from an order for its key, and new operations of keys whose claim let go everywhere;
 * - revival claims; ends of runs of jobs; reports of a day; levels that reconciliation deletes from the projection.
 *
 * Commits have `refuseRestored`, and so has an answer that is stored after its work, since its client must send again what was
 * done in a history that is gone. What else writes outside a commit needs neither, because it says the same in any history:
 *
 * - what is put down under a fresh id (users, carts, stores, categories, keys, runs, what nobody could read, mails sent in
 *   development) and what a person wants of their own account, sessions and cart, whatever it was before;
 * - what is deleted or due by its age, and figures and notices that one batch computes from what stands: all conditions are
 *   looked at in that batch (clean-up, old keys, idle runs, the sweep, low stock, the figures of days that are over);
 * - folds, which are computed of the row's own text, and written only while it has that text;
 * - reports of levels, which yield to a later epoch;
 * - what the provider answered about a payment that it has under the same id, and `abandoned`, which only lets go.
 * @param context.generation SQL, where each row of the statement has its own
 */
export const notRestoredSince = (context: { generation: number | Sql | undefined }): Sql =>
  sql`NOT ${IS_RESTORING} AND ${GENERATION} = ${generationOf(context)}`;

/** A statement that makes its batch fail, with nothing written, unless this is still the state of restoring. */
export const refuseUnlessStill = ({ restoring, generation }: RestoreState): Sql => sql`
  SELECT json('no longer ' || s.generation) FROM (SELECT ${GENERATION} AS generation) AS s
  WHERE s.generation <> ${generation} OR ${IS_RESTORING} <> ${restoring ? 1 : 0}`;

/** The same for a call of the restore that has raised this generation. Where the batch fails, `refusalOf` says why. */
export const refuseUnlessRestoring = (generation: number): Sql =>
  refuseUnlessStill({ restoring: true, generation });

export interface RestoreState {
  restoring: boolean;
  generation: number;
}

export async function readRestoreState({ env }: Pick<Context, "env">): Promise<RestoreState> {
  const row = await first(
    env.DB,
    sql<{ restoring: number; generation: number }>`
      SELECT ${IS_RESTORING} AS restoring, ${GENERATION} AS generation`,
  );
  if (!row) throw new Error("a query that always has a row had none");
  return { restoring: row.restoring === 1, generation: row.generation };
}

export const isRestoring = async (context: Pick<Context, "env">): Promise<boolean> =>
  (await readRestoreState(context)).restoring;

/** `superseded`: another restore has begun since. `not_restoring`: this one was the last, and it has ended. */
export type RestoreRefusal = "superseded" | "not_restoring";

/** Why a call of the restore that has raised this generation may do nothing; null if it may. */
export async function refusalOf(
  context: Pick<Context, "env">,
  generation: number,
): Promise<RestoreRefusal | null> {
  const now = await readRestoreState(context);
  if (now.generation !== generation) return "superseded";
  return now.restoring ? null : "not_restoring";
}

/** Whether a restore is under way, or one has begun since this context read its generation. */
export async function wasRestored(context: Pick<Context, "env" | "generation">): Promise<boolean> {
  const { restoring, generation } = await readRestoreState(context);
  return restoring || (context.generation !== undefined && context.generation !== generation);
}

/** When an isolate last saw that no restore goes on, by its environment object. */
const seenWhole = new WeakMap<object, { at: number; generation: number }>();

/** Makes the isolate look again, like a new one: for tests, whose clock goes back. */
export const forgetSeen = (env: object): boolean => seenWhole.delete(isolateOf(env));

/** The generation for a request that writes; null while a backup is being restored. May be as old as `KNOWN_FOR_MS`. */
export async function writableGeneration({
  env,
  clock,
}: Pick<Context, "env" | "clock">): Promise<number | null> {
  const now = clock.now();
  const isolate = isolateOf(env);
  const seen = seenWhole.get(isolate);
  if (seen !== undefined && seen.at <= now && now - seen.at < KNOWN_FOR_MS) return seen.generation;
  const { restoring, generation } = await readRestoreState({ env });
  if (restoring) return null;
  // The time before the question, since the answer may have been long on its way.
  seenWhole.set(isolate, { at: now, generation });
  return generation;
}
