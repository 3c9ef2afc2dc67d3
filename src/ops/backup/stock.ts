import { stockOf } from "../../inventory/client.ts";
import type { DumpOutcome } from "../../inventory/stock-types.ts";
import type { Context } from "../../platform/context.ts";
import { type RestoreRefusal, refusalOf } from "../../platform/restoring.ts";

/** Objects that are called at the same time. */
const CONCURRENT_OBJECTS = 20;

/** Calls the objects of these products, a few at a time. */
async function callEach(productIds: string[], call: (productId: string) => Promise<void>): Promise<void> {
  const waiting = productIds.values();
  const callInTurn = async () => {
    for (const productId of waiting) await call(productId);
  };
  await Promise.all(Array.from({ length: CONCURRENT_OBJECTS }, callInTurn));
}

export const dumpStock = (context: Context, productId: string, cursor: string | null): Promise<DumpOutcome> =>
  stockOf(context.env, productId).dump(cursor);

/**
 * Empties objects for the restore of this generation, so that none of their holds asks for its fate while D1 is being loaded.
 * Each object looks at the generation by itself, since this call may sleep after it has asked D1.
 */
export async function emptyStock(
  context: Context,
  productIds: string[],
  generation: number,
): Promise<{ kind: "emptied" } | { kind: RestoreRefusal }> {
  const refusal = await refusalOf(context, generation);
  if (refusal !== null) return { kind: refusal };
  let superseded = false;
  await callEach(productIds, async (productId) => {
    const { kind } = await stockOf(context.env, productId).empty(productId, generation);
    if (kind === "superseded") superseded = true;
  });
  return { kind: superseded ? "superseded" : "emptied" };
}
