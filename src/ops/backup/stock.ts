import { stockOf } from "../../inventory/client.ts";
import type { DumpPage } from "../../inventory/stock-types.ts";
import type { Context } from "../../platform/context.ts";

/** Objects that are called at the same time. */
const CONCURRENT_OBJECTS = 20;

export const dumpStock = (context: Context, productId: string, cursor: string | null): Promise<DumpPage> =>
  stockOf(context.env, productId).dump(cursor);

/** Empties objects, so that none of their holds asks for its fate while D1 is being loaded. */
export async function emptyStock(context: Context, productIds: string[]): Promise<void> {
  const waiting = productIds.values();
  const emptyInTurn = async () => {
    for (const productId of waiting) await stockOf(context.env, productId).empty();
  };
  await Promise.all(Array.from({ length: CONCURRENT_OBJECTS }, emptyInTurn));
}
