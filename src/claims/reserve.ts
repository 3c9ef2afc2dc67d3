import { stockOf } from "../inventory/client.ts";
import type {
  Allocation,
  Carry,
  ReserveOutcome,
  ReserveRequest,
  StockReport,
} from "../inventory/stock-types.ts";
import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";
import { TimeoutError, withTimeout } from "../platform/timeout.ts";
import { RETRY_CALLS } from "./calls.ts";
import type { News } from "./news.ts";

/** What a claim is to hold: all of an order's items. */
export interface Wanted {
  claim: string;
  order: {
    id: string;
    items: { productId: string; quantity: number }[];
    /** The store that the buyer named, which alone may serve; null for any. */
    storeId: string | null;
  };
  /** For each product, stores in order of preference. */
  stores: Map<string, string[]>;
}

/** A failed call's outcome is `unknown`: it may have held. */
type LineOutcome = ReserveOutcome | { kind: "unknown" };

/** What the Stock objects answered to one claim, by product. */
export type Reservation = Map<string, LineOutcome>;

/** The pause before each try of an order that waits, for about a second, for units that others may yet let go. */
const PAUSES_MS = [20, 40, 80, 160, 320, 640];

const unanswered = <W extends Wanted>(wants: W[]): Map<W, Reservation> =>
  new Map(wants.map((wanted) => [wanted, new Map()]));

/**
 * Step 2 of placing: one RPC for each product, all in parallel, for all claims that want its units.
 * @param news what the objects are to be told, of who writes the levels that holds carry with their orders; null for who does not
 */
export async function reserveAll<W extends Wanted>(
  context: Context,
  wants: W[],
  news: News | null,
): Promise<Map<W, Reservation>> {
  const reservations = unanswered(wants);
  await reserveLines(context, reservations, () => true, news);
  return reservations;
}

/** How long claims that are reserved together wait for the slowest object of any of them. */
const PROMPT_MS = 250;

/**
 * The same, but an object that hangs keeps only those waiting that want its units.
 * @returns the claims whose objects have all answered by then, and the others as soon as theirs have; null without others
 */
export async function reservePromptly<W extends Wanted>(
  context: Context,
  wants: W[],
  news: News | null,
): Promise<{ prompt: Map<W, Reservation>; late: Promise<Map<W, Reservation>> | null }> {
  const reservations = unanswered(wants);
  const all = reserveLines(context, reservations, () => true, news);
  try {
    await withTimeout(all, PROMPT_MS);
    return { prompt: reservations, late: null };
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  }
  const isAnswered = ([{ order }, reservation]: [W, Reservation]) =>
    order.items.every(({ productId }) => reservation.has(productId));
  const prompt = [...reservations].filter(isAnswered);
  for (const [wanted] of prompt) reservations.delete(wanted);
  return { prompt: new Map(prompt), late: all.then(() => reservations) };
}

/**
 * Tries again, for about a second, what fell short only by units that others may yet let go; less often if there are many
 * products, since each try calls them all. Changes the reservations in place.
 */
export async function tryAgain<W extends Wanted>(
  context: Context,
  reservations: Map<W, Reservation>,
  news: News | null,
): Promise<void> {
  const waiting = new Map(reservations);
  const products = new Set(
    [...waiting.values()].flatMap((reservation) =>
      [...reservation].flatMap(([productId, outcome]) => (isShort(outcome) ? [productId] : [])),
    ),
  );
  const tries = Math.floor(RETRY_CALLS / products.size);
  for (const pause of PAUSES_MS.slice(-tries)) {
    if (waiting.size === 0) return;
    await context.clock.sleep(pause);
    await reserveLines(context, waiting, isShort, news);
    for (const [wanted, reservation] of waiting) {
      if (![...reservation.values()].some(isShort)) waiting.delete(wanted);
    }
  }
}

/** Tries once more to reserve what was short. Changes the reservations in place. */
export const tryOnce = <W extends Wanted>(
  context: Context,
  reservations: Map<W, Reservation>,
  news: News | null,
): Promise<void> => reserveLines(context, reservations, isShort, news);

/** Says how much is available, and which claims hold the rest. */
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

/** The levels that these holds carry for the projection. */
export const levelsCarried = (reservation: Reservation): StockReport[] =>
  [...reservation.values()].flatMap((outcome) =>
    outcome.kind === "held" && outcome.carried ? [outcome.carried] : [],
  );

/** Reserves the lines for whose present outcome `asks` is true, and sets their new outcomes in place. */
async function reserveLines(
  context: Context,
  reservations: Map<Wanted, Reservation>,
  asks: (outcome: LineOutcome | undefined) => boolean,
  news: News | null,
): Promise<void> {
  const lines = [...reservations].flatMap(([{ claim, order, stores }, reservation]) =>
    order.items
      .filter(({ productId }) => asks(reservation.get(productId)))
      .map(({ productId, quantity }) => ({
        productId,
        reservation,
        request: {
          claim,
          orderId: order.id,
          quantity,
          stores: stores.get(productId) ?? [],
          only: order.storeId !== null,
        },
      })),
  );
  const holdMs = context.settings.HOLD_SECONDS * 1_000;
  await Promise.all(
    [...Map.groupBy(lines, ({ productId }) => productId)].map(async ([productId, calls]) => {
      const outcomes = await callReserve(
        context,
        productId,
        calls.map(({ request }) => request),
        holdMs,
        news?.take(context.generation, productId),
      );
      calls.forEach(({ reservation }, index) => {
        reservation.set(productId, outcomes?.[index] ?? { kind: "unknown" });
      });
    }),
  );
}

async function callReserve(
  context: Context,
  productId: string,
  requests: ReserveRequest[],
  holdMs: number,
  carry: Carry | undefined,
) {
  try {
    const stock = stockOf(context.env, productId);
    return await stock.reserve(productId, requests, holdMs, context.generation, carry);
  } catch (error) {
    context.log.warn("a reserve call failed", { product_id: productId, error: describeError(error) });
    return null;
  }
}
