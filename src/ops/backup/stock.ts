import { stockOf } from "../../inventory/client.ts";
import type { DumpPage } from "../../inventory/stock-types.ts";
import type { Context } from "../../platform/context.ts";

/** An answer goes on with the next page of an object until it has so many rows: most objects need one answer. */
const ROWS_AN_ANSWER = 1_000;
/** Objects asked at once. */
const AT_ONCE = 20;

export async function dumpStock(
  context: Context,
  productId: string,
  cursor: string | null,
): Promise<DumpPage> {
  const answer: DumpPage = { rows: [], next: cursor };
  do {
    const page = await stockOf(context.env, productId).dump(answer.next);
    answer.rows.push(...page.rows);
    answer.next = page.next;
  } while (answer.next !== null && answer.rows.length < ROWS_AN_ANSWER);
  return answer;
}

/** Empties objects: nothing of them asks for fates while D1 is being loaded. */
export async function emptyStock(context: Context, productIds: string[]): Promise<void> {
  const waiting = productIds.values();
  const lane = async () => {
    for (const productId of waiting) await stockOf(context.env, productId).empty();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}
