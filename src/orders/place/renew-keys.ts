import { operationsOf } from "../../claims/ids.ts";
import type { Context } from "../../platform/context.ts";
import type { IdempotencyKey } from "../../platform/idempotency.ts";
import { readOperations, replaceOperations } from "../../platform/idempotency-keys.ts";
import { notRestoredSince } from "../../platform/restoring.ts";
import { batch } from "../../platform/sql.ts";

/** A key whose claim was abandoned. */
export interface SpentKey {
  key: IdempotencyKey;
  /** The operation of that claim. */
  abandoned: string;
}

/**
 * Sets a fresh operation on each of these keys by compare-and-set, in one call, and returns the one that is there now:
 * its own, or that of a twin that was faster; null where the key was answered meanwhile. Only for claims that have
 * released all their holds, so that the next generation does not lose its units to the one before.
 * @param together all of them are placed, or none
 */
export async function renewKeys(
  context: Context,
  spent: SpentKey[],
  together: boolean,
): Promise<(string | null)[]> {
  if (spent.length === 0) return [];
  const fresh = operationsOf(context.ids, spent.length, together);
  const rows = spent.map(({ key: { scope, key }, abandoned }, index) => ({
    ...{ scope, key, abandoned },
    fresh: fresh[index] ?? "",
  }));
  const { standing } = await batch(context.env.DB, {
    replaced: replaceOperations(rows, notRestoredSince(context)),
    standing: readOperations(rows),
  });
  return standing.map(({ operation }) => operation);
}
