import type { Context } from "./context.ts";
import { each, eachPart, runBatch, type Sql, sql } from "./sql.ts";

/**
 * All statements about Idempotency-Keys, for one key or for those of many drafts. A key is stored before anything else is
 * done, with the id of an operation that its retries and twins then share. Its answer is written once.
 */

/** A key to store, and the operation that it starts unless the key is there already. */
export interface NewKey {
  scope: string;
  key: string;
  /** SHA-256 of what was asked under it. */
  fingerprint: string;
  operation: string;
}

/**
 * A key that is there already keeps its operation and fingerprint. While it has no answer, each request under it renews
 * its age, so that it is not forgotten just when its answer is written. The keys of a bulk's drafts, which have a space in
 * them, age together: each request renews all of them, or one draft would be forgotten and placed again before the others.
 */
const STAYS_YOUNG = sql`ON CONFLICT (scope, key) DO UPDATE SET created_at = excluded.created_at
  WHERE (idempotency.status IS NULL OR instr(idempotency.key, ' ') > 0)
    AND idempotency.fingerprint = excluded.fingerprint`;

/**
 * Guests' keys that the version before stored as they were sent get the name that they have now, so that a retry finds what
 * was done. No key lives for longer than `OPEN_KEY_LIFETIME_MS`: a release after that needs this no more.
 * @returns the statement for the batch that puts them down; none where all are of users
 */
export function renamedKeys(keys: (KeyName & { formerly?: string })[]): { renamed?: Sql } {
  const guests = keys.filter(({ formerly }) => formerly !== undefined);
  if (guests.length === 0) return {};
  const rows = guests.map(({ scope, key, formerly }) => ({ scope, key, formerly }));
  const renamed = sql`
    UPDATE OR IGNORE idempotency SET key = row.value ->> 'key' FROM ${each(rows)} AS row
    WHERE idempotency.scope = row.value ->> 'scope' AND idempotency.key = row.value ->> 'formerly'`;
  return { renamed };
}

/** @param when SQL: that there is something to be done under it */
export const putDownKey = (
  { scope, key, fingerprint, operation }: NewKey,
  now: number,
  when: Sql = sql`true`,
): Sql => sql`
  INSERT INTO idempotency (scope, key, fingerprint, operation, created_at)
  SELECT ${scope}, ${key}, ${fingerprint}, ${operation}, ${now} WHERE ${when} ${STAYS_YOUNG}`;

/** As `putDownKey`, for many keys. */
export const putDownKeys = (keys: NewKey[], now: number): Sql => sql`
  INSERT INTO idempotency (scope, key, fingerprint, operation, created_at)
  SELECT row.value ->> 'scope', row.value ->> 'key', row.value ->> 'fingerprint', row.value ->> 'operation', ${now}
  FROM ${each(keys)} AS row WHERE true ${STAYS_YOUNG}`;

/** What D1 has under a key. */
export interface KeyRow {
  fingerprint: string;
  operation: string;
  /** Null, as `body`, until it is answered. */
  status: number | null;
  body: string | null;
}

type KeyName = Pick<NewKey, "scope" | "key">;

export const readKeyRow = ({ scope, key }: KeyName): Sql<KeyRow> => sql`
  SELECT fingerprint, operation, status, body FROM idempotency WHERE scope = ${scope} AND key = ${key}`;

/**
 * Stores an answer; of twins that answer differently, the one that had an effect is believed.
 * @param when SQL: that the work was won, where the answer is stored in the batch of its work
 */
export const answerKey = ({ scope, key, status, body }: KeyAnswer, when: Sql = sql`true`): Sql => sql`
  UPDATE idempotency SET status = ${status}, body = ${body}
  WHERE scope = ${scope} AND key = ${key} AND (status IS NULL OR (status >= 400 AND ${status} < 400)) AND ${when}`;

/** Whether `idempotency AS k` is the key that `row.value` names. */
export const IS_KEY_OF_ROW = sql`k.scope = row.value ->> 'scope' AND k.key = row.value ->> 'key'`;

/** An answer that a key repeats. */
export interface KeyAnswer {
  scope: string;
  key: string;
  status: number;
  body: string;
}

/**
 * Stores answers in the batch of the work that they answer.
 * @param when SQL about the answer, `row.value`: that the work was won
 */
export const answerKeys = (answers: KeyAnswer[], when: Sql): Sql[] =>
  eachPart(answers).map(
    (part) => sql`
      UPDATE idempotency SET status = row.value ->> 'status', body = row.value ->> 'body' FROM ${part} AS row
      WHERE idempotency.scope = row.value ->> 'scope' AND idempotency.key = row.value ->> 'key' AND ${when}`,
  );

/** A key without an answer whose operation was abandoned, and the operation that is to replace it. */
export interface SpentOperation {
  scope: string;
  key: string;
  abandoned: string;
  fresh: string;
}

/**
 * Replaces operations by compare-and-set: of twins, one sets its own.
 * @param when SQL: that the claims which let go everywhere are those of this history
 */
export const replaceOperations = (spent: SpentOperation[], when: Sql): Sql => sql`
  UPDATE idempotency SET operation = row.value ->> 'fresh' FROM ${each(spent)} AS row
  WHERE idempotency.scope = row.value ->> 'scope' AND idempotency.key = row.value ->> 'key'
    AND idempotency.operation = row.value ->> 'abandoned' AND idempotency.status IS NULL AND ${when}`;

/** The operations of these keys, in their order; null for a key that was answered. */
export const readOperations = (keys: SpentOperation[]): Sql<{ operation: string | null }> => sql`
  SELECT k.operation FROM ${each(keys)} AS row LEFT JOIN idempotency AS k ON ${IS_KEY_OF_ROW} AND k.status IS NULL
  ORDER BY row.key`;

const HOUR_MS = 3_600_000;
/** An answered key repeats its answer for at least this long. */
export const KEY_LIFETIME_MS = 24 * HOUR_MS;
/** A key without an answer may belong to a claim that is still open: it is kept until no hold of it can be left. */
export const OPEN_KEY_LIFETIME_MS = 7 * KEY_LIFETIME_MS;
/** Answered keys that no run deleted within this time after their lifetime are deleted with the unanswered ones. */
const FORGET_WINDOW_MS = 6 * HOUR_MS;
const FORGET_LIMIT = 5_000;

/**
 * Deletes keys past their lifetime, each minute, and returns how many. Both statements read a bounded range of the index,
 * so that unanswered keys are not read again from the oldest on each time.
 */
export async function forgetOldKeys(context: Context): Promise<number> {
  const now = context.clock.now();
  const since = now - KEY_LIFETIME_MS;
  const forgotten = await runBatch(context.env.DB, [
    sql`DELETE FROM idempotency WHERE (scope, key) IN (
      SELECT scope, key FROM idempotency
      WHERE created_at < ${since} AND created_at >= ${since - FORGET_WINDOW_MS} AND status IS NOT NULL
      ORDER BY created_at LIMIT ${FORGET_LIMIT})`,
    sql`DELETE FROM idempotency WHERE (scope, key) IN (
      SELECT scope, key FROM idempotency
      WHERE created_at < ${now - OPEN_KEY_LIFETIME_MS} ORDER BY created_at LIMIT ${FORGET_LIMIT})`,
  ]);
  return forgotten.reduce((sum, changed) => sum + changed, 0);
}
