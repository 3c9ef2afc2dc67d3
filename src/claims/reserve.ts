import { stockOf } from "../inventory/client.ts";
import type { Allocation, ReserveOutcome, ReserveRequest } from "../inventory/stock-types.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";
import { RETRY_CALLS } from "./calls.ts";

/** What a claim is to hold: all of an order's items. */
export interface Wanted {
  claim: string;
  order: {
    id: string;
    items: { productId: string; quantity: number }[];
    /** The store that the buyer named: nothing may come from another. */
    storeId: string | null;
  };
  /** For each product, stores in order of preference. */
  stores: Map<string, string[]>;
}

/** What the Stock objects said to one claim, by product. A failed call's outcome is `unknown`: it may have held. */
export type Reservation = Map<string, ReserveOutcome | { kind: "unknown" }>;

/** An order waits about a second for units that others hold and may yet let go. Milliseconds before each try. */
const PAUSES = [20, 40, 80, 160, 320, 640];

/** Step 2 of placing: one RPC a product, all in parallel, for every claim that wants units. */
export async function reserveAll<W extends Wanted>(
  context: Context,
  wants: W[],
): Promise<Map<W, Reservation>> {
  const reservations = new Map<W, Reservation>(wants.map((wanted) => [wanted, new Map()]));
  await reserveLines(context, reservations, () => true);
  return reservations;
}

/**
 * Tries again for about a second what fell short only by units that others may yet let go: less often where that is
 * many products. Notes it in place.
 */
export async function tryAgain<W extends Wanted>(
  context: Context,
  reservations: Map<W, Reservation>,
): Promise<void> {
  const waiting = new Map(reservations);
  const products = new Set(
    [...waiting.values()].flatMap((reservation) =>
      [...reservation].flatMap(([productId, outcome]) => (isShort(outcome) ? [productId] : [])),
    ),
  );
  const tries = Math.floor(RETRY_CALLS / products.size);
  for (const pause of PAUSES.slice(-tries)) {
    if (waiting.size === 0) return;
    await context.clock.sleep(pause);
    await reserveLines(context, waiting, isShort);
    for (const [wanted, reservation] of waiting) {
      if (![...reservation.values()].some(isShort)) waiting.delete(wanted);
    }
  }
}

/** Asks once more for what was short. */
export const tryOnce = <W extends Wanted>(
  context: Context,
  reservations: Map<W, Reservation>,
): Promise<void> => reserveLines(context, reservations, isShort);

/** Short of what was asked: it says how much is free, and which claims hold the rest. */
export type Short = Extract<ReserveOutcome, { kind: "short" }>;

export const isShort = (outcome: { kind: string } | undefined): outcome is Short => outcome?.kind === "short";

export function heldAllocations(reservation: Reservation): Map<string, Allocation[]> | null {
  const held = new Map<string, Allocation[]>();
  for (const [productId, outcome] of reservation) {
    if (outcome.kind !== "held") return null;
    held.set(productId, outcome.allocations);
  }
  return held;
}

/** Asks the objects of all lines that `wanted` names, and notes their answers in place. */
async function reserveLines(
  context: Context,
  reservations: Map<Wanted, Reservation>,
  asks: (outcome: Reservation extends Map<string, infer Outcome> ? Outcome | undefined : never) => boolean,
): Promise<void> {
  const byProduct = new Map<string, { reservation: Reservation; request: ReserveRequest }[]>();
  for (const [wanted, reservation] of reservations) {
    for (const item of wanted.order.items) {
      if (!asks(reservation.get(item.productId))) continue;
      const request: ReserveRequest = {
        claim: wanted.claim,
        orderId: wanted.order.id,
        quantity: item.quantity,
        stores: wanted.stores.get(item.productId) ?? [],
        only: wanted.order.storeId !== null,
      };
      const calls = byProduct.get(item.productId);
      if (calls) calls.push({ reservation, request });
      else byProduct.set(item.productId, [{ reservation, request }]);
    }
  }
  const holdFor = context.settings.HOLD_SECONDS * 1_000;
  await Promise.all(
    [...byProduct].map(async ([productId, calls]) => {
      const outcomes = await callReserve(
        context,
        productId,
        calls.map(({ request }) => request),
        holdFor,
      );
      calls.forEach(({ reservation }, index) => {
        reservation.set(productId, outcomes?.[index] ?? { kind: "unknown" });
      });
    }),
  );
}

async function callReserve(context: Context, productId: string, requests: ReserveRequest[], holdFor: number) {
  try {
    return await stockOf(context.env, productId).reserve(productId, requests, holdFor);
  } catch (error) {
    context.log.warn("a reserve call failed", { product_id: productId, error: describeError(error) });
    return null;
  }
}
