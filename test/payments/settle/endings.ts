import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { Boundary, ENDINGS, type Ending } from "../../chaos/boundary.ts";
import { testClock } from "../../support/clock.ts";
import { MINUTE, orderRow, refundRows, type Till } from "./till.ts";

/**
 * Death at every await of what settles money: each scenario runs untouched, and then once for each call to another part
 * and each ending. The invariants of stock and of money hold at every step after it.
 */
export async function atEveryCall(
  scenario: (boundary: Boundary, planned: { at: number; ending: Ending } | null) => Promise<void>,
): Promise<string[]> {
  const recorded = new Boundary();
  await scenario(recorded, null);
  for (const at of recorded.calls.keys()) {
    for (const ending of ENDINGS) {
      const boundary = new Boundary({ at, ending });
      try {
        await scenario(boundary, { at, ending });
      } catch (error) {
        throw new Error(`worker ${ending} at ${recorded.calls[at]} (call ${at})`, { cause: error });
      } finally {
        boundary.bury();
      }
    }
  }
  return recorded.calls;
}

export const LONG = { timeout: 240_000 };
/** Of an order of one of each of two products. */
export const TOTAL = 2 * 1999;

export async function reserved(till: Till): Promise<number[]> {
  return Promise.all(till.productIds.map(async (id) => (await stockOf(env, id).levels()).reserved));
}

/** Mails of this order alone. */
export function forgetMailsBut(till: Till, orderId: string): void {
  till.mails.splice(0, till.mails.length, ...till.mails.filter((id) => id === orderId));
}

/** Paid with its stock, or expired with its refund; never both, never neither. */
export async function mustBeEither(till: Till, orderId: string): Promise<"paid" | "expired"> {
  const order = await orderRow(orderId);
  const refunds = await refundRows(orderId);
  if (order?.status === "confirmed") {
    expect(order).toMatchObject({ payment_status: "paid", events_owed: 0, expires_at: null });
    expect(refunds).toEqual([]);
    expect([...till.paidOut]).toEqual([]);
    expect(till.mails).toEqual([orderId]);
    return "paid";
  }
  expect(order).toMatchObject({ status: "expired", payment_status: "refunded", events_owed: 0 });
  expect(refunds).toMatchObject([{ amount: TOTAL, state: "settled" }]);
  expect([...till.paidOut.values()]).toEqual([TOTAL]);
  expect(till.mails).toEqual([]);
  return "expired";
}

export async function givenExpired(till: Till) {
  const order = await till.order();
  testClock.advance(31 * MINUTE);
  await till.expire();
  return order;
}
