import type { Task, TaskOutcome } from "../events/work.ts";
import type { Verdict } from "../inventory/stock-types.ts";
import type { Context } from "../platform/context.ts";

/** Tells every Stock object of an order what D1 says of it. */
export async function followOrder(_context: Context, _task: Task): Promise<TaskOutcome> {
  return { kind: "done" };
}

/** Expires what waited too long for its payment. Each minute. Returns how many. */
export async function expireUnpaid(_context: Context): Promise<number> {
  return 0;
}

/** What became of claims, as a Stock object's open holds ask; `abandoned` is written where there is no fate. */
export async function judgeClaims(
  _context: Context,
  _productId: string,
  _claims: string[],
): Promise<Verdict[]> {
  return [];
}
