import { each, eachPart, type Sql, sql } from "./sql.ts";

/**
 * All statements about Idempotency-Keys, for one key or the keys of many drafts. A key is put down before anything else,
 * with an operation that retries and concurrent twins then share; its answer is written once.
 */

/** A key to put down, and the operation that it starts unless one stands there. */
export interface NewKey {
  scope: string;
  key: string;
  /** SHA-256 of what was asked under it. */
  fingerprint: string;
  operation: string;
}

/**
 * Inserts that yield: a key that stands keeps its operation and fingerprint. While it has no answer, each request under it
 * makes it young again, so that it is never forgotten beside its answer.
 */
export const putDownKeys = (keys: NewKey[], now: number): Sql => sql`
  INSERT INTO idempotency (scope, key, fingerprint, operation, created_at)
  SELECT row.value ->> 'scope', row.value ->> 'key', row.value ->> 'fingerprint', row.value ->> 'operation', ${now}
  FROM ${each(keys)} AS row WHERE true
  ON CONFLICT (scope, key) DO UPDATE SET created_at = excluded.created_at
  WHERE idempotency.status IS NULL AND idempotency.fingerprint = excluded.fingerprint`;

/** Whether `idempotency AS k` is the key that `row.value` names. */
export const IS_KEY_OF_ROW = sql`k.scope = row.value ->> 'scope' AND k.key = row.value ->> 'key'`;

/** An answer to repeat under a key. */
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

/** A key without an answer whose operation came to nothing, and the one that is to stand there instead. */
export interface SpentOperation {
  scope: string;
  key: string;
  abandoned: string;
  fresh: string;
}

/** Sets fresh operations by compare-and-set: of twins one has its own. */
export const replaceOperations = (spent: SpentOperation[]): Sql => sql`
  UPDATE idempotency SET operation = row.value ->> 'fresh' FROM ${each(spent)} AS row
  WHERE idempotency.scope = row.value ->> 'scope' AND idempotency.key = row.value ->> 'key'
    AND idempotency.operation = row.value ->> 'abandoned' AND idempotency.status IS NULL`;

/** The operation that stands under each of these keys, in their order; null where it was answered. */
export const readOperations = (keys: SpentOperation[]): Sql<{ operation: string | null }> => sql`
  SELECT k.operation FROM ${each(keys)} AS row LEFT JOIN idempotency AS k ON ${IS_KEY_OF_ROW} AND k.status IS NULL
  ORDER BY row.key`;
