import type { Context } from "../platform/context.ts";
import { describeError } from "../platform/log.ts";
import { type Fate, readFates } from "./fates.ts";
import { letGo } from "./let-go.ts";
import { heldAllocations, isShort, type Reservation, type Short, type Wanted } from "./reserve.ts";

/**
 * Finds the orders that should wait for units, so that two do not both lose to each other's provisional holds. A claim in
 * the way that has no fate and a larger id gives way to ours, and a dead claim lets go now. If these hold enough, waiting
 * can succeed. The order of the ids keeps two orders from waiting for each other. Reads the fates once.
 */
export async function findWaiting<W extends Wanted>(
  context: Context,
  reservations: Map<W, Reservation>,
): Promise<Map<W, Reservation>> {
  const short = [...reservations].filter(([, reservation]) => [...reservation.values()].some(isShort));
  const inTheWay = claimsInTheWay(short.map(([, reservation]) => reservation));
  if (inTheWay.size === 0) return new Map();
  const fates = await knownFates(context, [...inTheWay.keys()]);
  if (!fates) {
    // Without the fates it is not known that the stock is short, so these tries are given up instead.
    for (const [, reservation] of short) markShortUnknown(reservation);
    return new Map();
  }
  await letDeadOnesGo(context, inTheWay, fates);
  // Claims that this worker is about to place do not give way. For those that fail, see retryAfterRelease.
  const own = new Set([...reservations.keys()].map(({ claim }) => claim));
  const givesWay = (claim: string, ours: string) =>
    fates.has(claim) ? fates.get(claim) !== "placed" : !own.has(claim) && claim > ours;

  // Other claims that do not give way are dropped from the lists, since nobody may count on what they hold.
  for (const [wanted, reservation] of short) {
    keepInTheWay(reservation, (claim) => own.has(claim) || givesWay(claim, wanted.claim));
  }
  return new Map(
    short.filter(([wanted, reservation]) =>
      wouldSuffice(wanted, reservation, (claim) => givesWay(claim, wanted.claim)),
    ),
  );
}

/** Many outcomes may share one list, so each gets a list of its own. */
function keepInTheWay(reservation: Reservation, keeps: (claim: string) => boolean): void {
  for (const [productId, outcome] of reservation) {
    if (!isShort(outcome)) continue;
    const inTheWay = outcome.inTheWay.filter(({ claim }) => keeps(claim));
    reservation.set(productId, { ...outcome, inTheWay });
  }
}

/** The claims that stand in the way, each with the products of which it holds units. */
function claimsInTheWay(reservations: Reservation[]): Map<string, Set<string>> {
  const claims = new Map<string, Set<string>>();
  for (const [productId, outcome] of reservations.flatMap((reservation) => [...reservation])) {
    if (!isShort(outcome)) continue;
    for (const { claim } of outcome.inTheWay) {
      claims.set(claim, (claims.get(claim) ?? new Set()).add(productId));
    }
  }
  return claims;
}

/** The worker that wrote a dead fate may have died before it let go, and the units should not wait for the deadline. */
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

function markShortUnknown(reservation: Reservation): void {
  for (const [productId, outcome] of reservation) {
    if (isShort(outcome)) reservation.set(productId, { kind: "unknown" });
  }
}

/**
 * Some claims of a bulk fall short only by units that other, failing claims of the same bulk hold, and can have them once
 * those have let go. Claims that wait for other requests neither fail nor are among those.
 */
export function retryAfterRelease<W extends Wanted>(
  reservations: Map<W, Reservation>,
  waiting: Map<W, Reservation>,
): Map<W, Reservation> {
  const failing = [...reservations].filter(([wanted, reservation]) => {
    const outcomes = [...reservation.values()];
    const known = outcomes.every(({ kind }) => kind === "held" || kind === "short");
    return known && outcomes.some(isShort) && !waiting.has(wanted);
  });
  const dead = new Set(failing.map(([{ claim }]) => claim));
  return new Map(
    failing.filter(([wanted, reservation]) => wouldSuffice(wanted, reservation, (claim) => dead.has(claim))),
  );
}

/**
 * Whether a bulk of all or nothing should wait. If one of its drafts fails, the others wait in vain, and meanwhile keep units
 * from other requests, perhaps for longer than those wait. So every draft that is short must be one that waits, and what
 * others may let go must suffice for all of them together.
 */
export function allMayYetBeHeld<W extends Wanted>(
  reservations: Map<W, Reservation>,
  waiting: Map<W, Reservation>,
): boolean {
  const own = new Set([...reservations.keys()].map(({ claim }) => claim));
  /** For each product and choice of stores: the units that may still come, after what earlier drafts are to get. */
  const left = new Map<string, { units: number; heldBefore: Set<string> }>();
  return [...reservations].every(([wanted, reservation]) => {
    if (!heldAllocations(reservation) && !waiting.has(wanted)) return false;
    return wanted.order.items.every(({ productId, quantity }) => {
      const outcome = reservation.get(productId);
      const where = `${productId} ${wanted.order.storeId ?? ""}`;
      const known = left.get(where) ?? (isShort(outcome) ? mayComeTo(outcome, own) : null);
      if (!known) return true;
      left.set(where, known);
      // `known` is what the first draft that was short found. A draft that held already then is not in its units; one that
      // held later took some of them.
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

/** Whether all items could be held if the claims in the way that `mayGo` names let go. */
function wouldSuffice(wanted: Wanted, reservation: Reservation, mayGo: (claim: string) => boolean): boolean {
  return wanted.order.items.every((item) => {
    const outcome = reservation.get(item.productId);
    if (!isShort(outcome)) return outcome?.kind === "held";
    return outcome.available + heldBy(outcome, mayGo) >= item.quantity;
  });
}

/** Units that the claims in the way hold, of those that `counts` names. */
const heldBy = ({ inTheWay }: Short, counts: (claim: string) => boolean): number =>
  inTheWay.filter(({ claim }) => counts(claim)).reduce((sum, { quantity }) => sum + quantity, 0);
