import { stockOf } from "../../inventory/client.ts";
import type { DumpPage } from "../../inventory/stock-types.ts";
import type { Context } from "../../platform/context.ts";

/** An answer takes pages of an object until it has this many rows, so that most objects need one answer. */
const ANSWER_ROWS = 1_000;
/** Objects that are called at the same time. */
const CONCURRENT_OBJECTS = 20;

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
  } while (answer.next !== null && answer.rows.length < ANSWER_ROWS);
  return answer;
}

/** Empties objects, so that none of their holds asks for its fate while D1 is being loaded. */
export async function emptyStock(context: Context, productIds: string[]): Promise<void> {
  const waiting = productIds.values();
  const emptyInTurn = async () => {
    for (const productId of waiting) await stockOf(context.env, productId).empty();
  };
  await Promise.all(Array.from({ length: CONCURRENT_OBJECTS }, emptyInTurn));
}
