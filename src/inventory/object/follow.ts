import type { FollowCommand, FollowOutcome, FollowState, Held } from "../stock-types.ts";
import { type Claim, findClaim, updateHold, writeTombstone } from "./holds.ts";
import { move } from "./ledger.ts";
import { countIn, NO_UNITS } from "./levels.ts";
import { ORDERS } from "./reserve.ts";
import type { Turn } from "./sql-port.ts";

/** What happens to a claim's units in one store: how many ship, how many are released, and what is held after that. */
interface Step extends Held {
  ship: number;
  release: number;
}

/** Brings a claim's holds to the state that D1 has, if that is newer than what was applied before. */
export const follow = (turn: Turn, command: FollowCommand): FollowOutcome =>
  bring(turn, findClaim(turn.sql, command.claim), command, null);

/**
 * The same for a claim that was just read.
 * @param askAt when it asks next, milliseconds, if this is the answer to a question; null if it is not
 */
export function bring(
  turn: Turn,
  claim: Claim | null,
  command: FollowCommand,
  askAt: number | null,
): FollowOutcome {
  if (!claim) {
    if (!isDead(command.state)) return neverHeld(command);
    writeTombstone(turn, command.claim, command.version);
    return { kind: "applied" };
  }
  if (command.version <= claim.version) return { kind: "stale" };
  if (claim.state === "settled") {
    const kept = Object.values(command.state).some(({ keep }) => keep > 0);
    return kept ? { kind: "drift", detail: `${command.claim} was let go` } : { kind: "stale" };
  }

  const drift = findDrift(turn, claim.parts, command.state);
  if (drift) return { kind: "drift", detail: `claim ${command.claim}, version ${command.version}: ${drift}` };
  apply(
    turn,
    claim,
    command.version,
    claim.parts.map((part) => stepTo(part, command.state)),
    askAt,
  );
  return { kind: "applied" };
}

/** What an object without storage answers. It writes no tombstone: a product that was never stocked can hold nothing. */
export const followUninitialised = (command: FollowCommand): FollowOutcome =>
  isDead(command.state) ? { kind: "applied" } : neverHeld(command);

const isDead = (state: FollowState): boolean =>
  Object.values(state).every(({ keep, shipped }) => keep === 0 && shipped === 0);

const neverHeld = ({ claim, version }: FollowCommand): FollowOutcome => ({
  kind: "drift",
  detail: `claim ${claim}, version ${version}: never held anything here`,
});

/** In a store that D1 does not name, nothing is kept any more, and nothing more has shipped than is known here. */
function stepTo({ store_id, kept, shipped }: Held, state: FollowState): Step {
  const target = state[store_id] ?? { keep: 0, shipped };
  const ship = target.shipped - shipped;
  return { store_id, kept: target.keep, shipped: target.shipped, ship, release: kept - target.keep - ship };
}

/** Why D1's state cannot be a later state of these holds; null when it can. */
function findDrift({ books }: Turn, held: Held[], state: FollowState): string | null {
  const known = new Set(held.map(({ store_id }) => store_id));
  for (const [storeId, { keep, shipped }] of Object.entries(state)) {
    if (!known.has(storeId) && keep + shipped > 0) return `nothing was held in ${storeId}`;
  }
  for (const part of held) {
    const { store_id, ship, release } = stepTo(part, state);
    if (ship < 0) return `${-ship} units came back from shipment in ${store_id}`;
    if (release < 0) return `${-release} units more than were held in ${store_id}`;
    const { reserved } = countIn(books, store_id) ?? NO_UNITS;
    if (reserved < ship + release) return `only ${reserved} units are reserved in ${store_id}`;
  }
  return null;
}

function apply(
  turn: Turn,
  { claim, order_id }: Claim,
  version: number,
  steps: Step[],
  askAt: number | null,
): void {
  for (const { store_id: storeId, ship, release } of steps) {
    const about = { storeId, actor: ORDERS, reference: claim, orderId: order_id };
    if (ship > 0) move(turn, { type: "ship", quantity: -ship, ...about });
    if (release > 0) move(turn, { type: "release", quantity: release, ...about });
  }
  updateHold(turn, claim, version, steps, askAt);
}
