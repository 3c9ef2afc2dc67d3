import { systemActor } from "../../platform/actor.ts";
import type { Allocation, Level, ReserveOutcome, ReserveRequest } from "../stock-types.ts";
import { allocationsOf, findClaim, inTheWay, openHold } from "./holds.ts";
import { move } from "./ledger.ts";
import { storesIn } from "./levels.ts";
import { carryReport } from "./report.ts";
import type { Turn } from "./sql-port.ts";

/** The actor of movements for orders in the ledger. */
export const ORDERS = systemActor("orders").name;

type InTheWay = Extract<ReserveOutcome, { kind: "short" }>["inTheWay"];

/** What a product that was never stocked answers. */
export const NEVER_STOCKED: ReserveOutcome = { kind: "short", available: 0, inTheWay: [] };

/**
 * Reserves for one order or for many, one request after the other; each succeeds or fails by itself.
 * @param deadline when the holds first ask for their fates, milliseconds
 * @param carries whether the first hold that is opened carries what the projection does not have
 */
export function reserveEach(
  turn: Turn,
  requests: ReserveRequest[],
  deadline: number,
  carries: boolean,
): ReserveOutcome[] {
  const { books } = turn;
  const [before, version] = [{ ...books.telling }, books.version];
  // Requests that fall short one after the other meet the same holds. They are looked up once, and as one list that
  // all these outcomes share they cross RPC once.
  const known = new Map<string, InTheWay>();
  const findInTheWay = (stores: string[]): InTheWay => {
    const key = JSON.stringify(stores.toSorted());
    const found = known.get(key) ?? inTheWay(turn.books, stores);
    known.set(key, found);
    return found;
  };
  let opened: Extract<ReserveOutcome, { kind: "held" }> | null = null;
  const outcomes = requests.map((request) => {
    const outcome = reserve(turn, request, deadline, findInTheWay);
    if (outcome.kind === "held") known.clear();
    if (outcome.kind === "held" && books.version > version) opened ??= outcome;
    return outcome;
  });
  const carried = carries && opened ? carryReport(turn, before, deadline) : null;
  return carried
    ? outcomes.map((outcome) => (outcome === opened ? { ...opened, carried } : outcome))
    : outcomes;
}

/** Holds all the units for a claim, or none. Safe to repeat: a claim holds once, and never again after its release. */
function reserve(
  turn: Turn,
  request: ReserveRequest,
  deadline: number,
  findInTheWay: (stores: string[]) => InTheWay,
): ReserveOutcome {
  const { sql } = turn;
  const claim = findClaim(sql, request.claim);
  if (claim?.state === "settled") return { kind: "settled" };
  if (claim) return { kind: "held", allocations: allocationsOf(claim) };

  const allowed = allowedStores(storesIn(turn.books), request);
  const available = allowed.reduce((sum, level) => sum + level.available, 0);
  if (available < request.quantity) {
    return { kind: "short", available, inTheWay: findInTheWay(allowed.map((level) => level.store_id)) };
  }
  const allocations = fill(allowed, request.quantity);
  openHold(turn, request, allocations, deadline);
  for (const { store_id, quantity } of allocations) {
    const { claim: reference, orderId } = request;
    move(turn, { type: "reserve", storeId: store_id, quantity, actor: ORDERS, reference, orderId });
  }
  return { kind: "held", allocations };
}

/** The stores that units may come from, best first: those that were asked for, and then, unless `only`, the rest by id. */
function allowedStores(levels: Level[], { stores, only }: Pick<ReserveRequest, "stores" | "only">): Level[] {
  const byId = new Map(levels.map((level) => [level.store_id, level]));
  const wanted = new Set(only ? stores : [...stores, ...byId.keys()]);
  return [...wanted].flatMap((id) => byId.get(id) ?? []);
}

/** Takes from each store in turn what is available there, until it is enough. */
function fill(levels: Level[], quantity: number): Allocation[] {
  let missing = quantity;
  return levels.flatMap(({ store_id, available }) => {
    const taken = Math.min(available, missing);
    missing -= taken;
    return taken > 0 ? [{ store_id, quantity: taken }] : [];
  });
}
