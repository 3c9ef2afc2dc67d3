import type { Context } from "../../platform/context.ts";
import { jsonParameter, rowsOf } from "../../platform/d1.ts";
import type { IdempotencyKey } from "../../platform/idempotency.ts";
import { operationsOf } from "./operations.ts";

/** A key whose claim was abandoned. */
export interface SpentKey {
  key: IdempotencyKey;
  /** The operation of that claim. */
  abandoned: string;
}

/**
 * Sets a fresh claim on each of these keys by compare-and-set, in one call, and tells which operation stands there now:
 * ours, or that of a twin who was faster. Null where the key was answered meanwhile. Only for claims that have let go
 * everywhere: the next generation must not lose its units to the one before.
 * @param together they stand or fall together
 */
export async function renewKeys(
  context: Context,
  spent: SpentKey[],
  together: boolean,
): Promise<(string | null)[]> {
  if (spent.length === 0) return [];
  const { DB } = context.env;
  const fresh = operationsOf(context.ids, spent.length, together);
  const rows = jsonParameter(
    spent.map(({ key, abandoned }, index) => ({
      scope: key.scope,
      key: key.key,
      abandoned,
      fresh: fresh[index],
    })),
  );
  const results = await DB.batch([
    DB.prepare(
      `UPDATE idempotency SET operation = row.value ->> 'fresh' FROM json_each(?1) AS row
       WHERE idempotency.scope = row.value ->> 'scope' AND idempotency.key = row.value ->> 'key'
         AND idempotency.operation = row.value ->> 'abandoned' AND idempotency.status IS NULL`,
    ).bind(rows),
    DB.prepare(
      `SELECT k.operation FROM json_each(?1) AS row LEFT JOIN idempotency AS k
         ON k.scope = row.value ->> 'scope' AND k.key = row.value ->> 'key' AND k.status IS NULL
       ORDER BY row.key`,
    ).bind(rows),
  ]);
  return rowsOf<{ operation: string | null }>(results, 1).map(({ operation }) => operation);
}
