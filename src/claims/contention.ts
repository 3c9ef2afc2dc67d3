import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";
import { type Fate, readFates } from "./fates.ts";
import { letGo } from "./let-go.ts";
import { heldAllocations, isShort, type Reservation, type Short, type Wanted } from "./reserve.ts";

/**
 * Two orders must not both lose to each other's provisional holds. Of those that stand in the way, a claim without a
 * fate and with a larger id will give way to ours, and a dead one lets go now: where these hold enough, waiting is
 * worth it. The order of the ids keeps two from waiting for each other. Reads the fates once.
 */
export async function findWaiting<W extends Wanted>(
  context: Context,
  reservations: Map<W, Reservation>,
): Promise<Map<W, Reservation>> {
  const short = [...reservations].filter(([, reservation]) => [...reservation.values()].some(isShort));
  const inTheWay = blockingClaims(short.map(([, reservation]) => reservation));
  if (inTheWay.size === 0) return new Map();
  const fates = await knownFates(context, [...inTheWay.keys()]);
  if (!fates) {
    // Without the fates nobody may be told that the stock is short: these tries are given up instead.
    for (const [, reservation] of short) doubtShortfalls(reservation);
    return new Map();
  }
  await letDeadOnesGo(context, inTheWay, fates);
  // What this worker itself is about to place gives no way, and what falls is waited for elsewhere.
  const own = new Set([...reservations.keys()].map(({ claim }) => claim));
  const givesWay = (claim: string, ours: string) =>
    fates.has(claim) ? fates.get(claim) !== "placed" : !own.has(claim) && claim > ours;

  // Who stands firm is as if it were not there: nobody may count on what it holds.
  for (const [wanted, reservation] of short) {
    keepBlockers(reservation, (claim) => own.has(claim) || givesWay(claim, wanted.claim));
  }
  return new Map(
    short.filter(([wanted, reservation]) =>
      wouldDo(wanted, reservation, (claim) => givesWay(claim, wanted.claim)),
    ),
  );
}

/** One list may be in many outcomes, so it is not changed itself. */
function keepBlockers(reservation: Reservation, keeps: (claim: string) => boolean): void {
  for (const [productId, outcome] of reservation) {
    if (!isShort(outcome)) continue;
    const inTheWay = outcome.inTheWay.filter(({ claim }) => keeps(claim));
    reservation.set(productId, { ...outcome, inTheWay });
  }
}

/** The claims that stand in the way, each with the products that it holds. */
function blockingClaims(reservations: Reservation[]): Map<string, Set<string>> {
  const claims = new Map<string, Set<string>>();
  for (const [productId, outcome] of reservations.flatMap((reservation) => [...reservation])) {
    if (!isShort(outcome)) continue;
    for (const { claim } of outcome.inTheWay) {
      claims.set(claim, (claims.get(claim) ?? new Set()).add(productId));
    }
  }
  return claims;
}

/** The one who wrote a dead fate may be dead as well: its units must not wait for their hold's deadline. */
async function letDeadOnesGo(
  context: Context,
  claims: Map<string, Set<string>>,
  fates: Map<string, Fate>,
): Promise<void> {
  const dead = [...claims].filter(([claim]) => fates.has(claim) && fates.get(claim) !== "placed");
  await letGo(
    context,
    dead.map(([claim, productIds]) => ({ claim, productIds })),
  );
}

async function knownFates(context: Context, claims: string[]): Promise<Map<string, Fate> | null> {
  try {
    return await readFates(context, claims);
  } catch (error) {
    context.log.warn("the fates of those in the way could not be read", { error: describeError(error) });
    return null;
  }
}

function doubtShortfalls(reservation: Reservation): void {
  for (const [productId, outcome] of reservation) {
    if (isShort(outcome)) reservation.set(productId, { kind: "unknown" });
  }
}
/**
 * In a bulk, some fall short only by what others of the same bulk hold that fall themselves: once those have let go,
 * these may have it. Those who wait for strangers are neither.
 */
export function retryAfterRelease<W extends Wanted>(
  reservations: Map<W, Reservation>,
  waiting: Map<W, Reservation>,
): Map<W, Reservation> {
  const falling = [...reservations].filter(([wanted, reservation]) => {
    const outcomes = [...reservation.values()];
    const known = outcomes.every(({ kind }) => kind === "held" || kind === "short");
    return known && outcomes.some(isShort) && !waiting.has(wanted);
  });
  const dead = new Set(falling.map(([{ claim }]) => claim));
  return new Map(
    falling.filter(([wanted, reservation]) => wouldDo(wanted, reservation, (claim) => dead.has(claim))),
  );
}

/**
 * Of drafts that stand or fall together one that waits in vain, since another falls, keeps units from those who wait for
 * it: longer than they do, perhaps. So all that are short must be patient, and what may come be enough for them all.
 */
export function allMayYetBeHeld<W extends Wanted>(
  reservations: Map<W, Reservation>,
  waiting: Map<W, Reservation>,
): boolean {
  const own = new Set([...reservations.keys()].map(({ claim }) => claim));
  /** Of each product in each choice of stores, from the first that was short of it: what may come to those after it. */
  const left = new Map<string, { units: number; heldBefore: Set<string> }>();
  return [...reservations].every(([wanted, reservation]) => {
    if (!heldAllocations(reservation) && !waiting.has(wanted)) return false;
    return wanted.order.items.every(({ productId, quantity }) => {
      const outcome = reservation.get(productId);
      const where = `${productId} ${wanted.order.storeId ?? ""}`;
      const known = left.get(where) ?? (isShort(outcome) ? mayComeTo(outcome, own) : null);
      if (!known) return true;
      left.set(where, known);
      // One that held before that is not in the number; one that held after it took of it.
      if (!isShort(outcome) && known.heldBefore.has(wanted.claim)) return true;
      known.units -= quantity;
      return known.units >= 0;
    });
  });
}

const mayComeTo = (outcome: Short, own: Set<string>) => ({
  units: outcome.available + heldBy(outcome, (claim) => !own.has(claim)),
  heldBefore: new Set(outcome.inTheWay.map(({ claim }) => claim)),
});

/** Whether all items would be held if those in the way that `mayGo` names let go. */
function wouldDo(wanted: Wanted, reservation: Reservation, mayGo: (claim: string) => boolean): boolean {
  return wanted.order.items.every((item) => {
    const outcome = reservation.get(item.productId);
    if (!isShort(outcome)) return outcome?.kind === "held";
    return outcome.available + heldBy(outcome, mayGo) >= item.quantity;
  });
}

/** Units that those in the way hold whom `counts` names. */
const heldBy = ({ inTheWay }: Short, counts: (claim: string) => boolean): number =>
  inTheWay.filter(({ claim }) => counts(claim)).reduce((sum, { quantity }) => sum + quantity, 0);
