import type {
  Count,
  FollowState,
  Held,
  RepairCommand,
  RepairHold,
  RepairOutcome,
  RepairReport,
} from "../stock-types.ts";
import { applyAnswer } from "./ask.ts";
import { readLedgerSums } from "./audit.ts";
import { findClaim, putClaim } from "./holds.ts";
import { correct } from "./ledger.ts";
import { countIn, NO_UNITS, storesIn } from "./levels.ts";
import { lookSoon, reportEverything } from "./report.ts";
import type { Sql, Turn } from "./sql-port.ts";

/** Repairs what an audit found. Levels come first, because a hold can only change where the levels cover it. */
export function repair(
  turn: Turn,
  { operation, balance: wanted, holds, tellBeyond }: RepairCommand,
): RepairReport {
  const unbalanced = wanted ? balance(turn, operation) : [];
  const outcomes = holds.map((hold) => repairHold(turn, operation, hold));
  if (tellBeyond !== null) reportEverything(turn, tellBeyond);
  // The alarm is set anew after this, also where it was set for a report.
  lookSoon(turn);
  return { unbalanced, holds: outcomes };
}

/**
 * Brings a claim to the state of its row in D1: by an ordinary follow where the row is newer than what was applied, and by
 * a correction for what still differs. Does nothing if the claim's version is no longer the one that the audit saw. The
 * row was read after the audit. So if the order has changed since, its newer version either came here first, and the
 * version differs, or comes later, and is applied on top of this.
 */
function repairHold(turn: Turn, operation: string, hold: RepairHold): RepairOutcome {
  const claim = findClaim(turn.sql, hold.claim);
  if ((claim?.version ?? null) !== hold.seen) return { kind: "moved" };
  if (claim) applyAnswer(turn, hold);

  const corrections = correctionsTo(findClaim(turn.sql, hold.claim)?.parts ?? [], hold.state);
  if (corrections.length === 0) return { kind: "mended" };
  if (corrections.some(({ difference }) => difference.on_hand > 0)) return { kind: "shipped" };
  for (const { store_id, difference } of corrections) {
    const { on_hand, reserved } = countIn(turn.books, store_id) ?? NO_UNITS;
    const missing = reserved + difference.reserved - (on_hand + difference.on_hand);
    if (missing > 0) return { kind: "short", store_id, missing };
    if (reserved + difference.reserved < 0) return { kind: "short", store_id, missing: 0 };
  }
  putClaim(turn, hold, corrections);
  for (const { store_id: storeId, difference } of corrections) {
    const before = countIn(turn.books, storeId) ?? NO_UNITS;
    const after = {
      on_hand: before.on_hand + difference.on_hand,
      reserved: before.reserved + difference.reserved,
    };
    const about = { storeId, actor: RECONCILE, reason: "reconcile", reference: operation };
    correct(turn, before, after, { ...about, orderId: hold.orderId });
  }
  return { kind: "mended" };
}

interface Correction extends Held {
  difference: { on_hand: number; reserved: number };
}

/**
 * What the claim's units in each store must become. Units that only D1 counts as shipped become shipped, which changes
 * nothing of what is available. Units that only the object counts as shipped would become held again: a parcel that left
 * would be on hand, and sold once more as soon as its order is cancelled, so the caller stops there.
 */
function correctionsTo(held: Held[], state: FollowState): Correction[] {
  const known = new Map(held.map((part) => [part.store_id, part]));
  const stores = [...new Set([...known.keys(), ...Object.keys(state)])];
  return stores.flatMap((store_id) => {
    const { kept, shipped } = known.get(store_id) ?? { kept: 0, shipped: 0 };
    const target = state[store_id] ?? { keep: 0, shipped };
    const difference = { on_hand: shipped - target.shipped, reserved: target.keep - kept };
    if (difference.on_hand === 0 && difference.reserved === 0) return [];
    return [{ store_id, kept: target.keep, shipped: target.shipped, difference }];
  });
}

/**
 * Rebuilds the levels that differ from what they are made of. `on_hand` is the sum of the ledger, because each of its lines
 * is final and names its cause, while the level is only a running total. `reserved` is the sum of the open holds, because
 * each of them is checked against a row in D1, and the total against none. One line of correction brings the ledger's own
 * `reserved` to the same, and its reason says what the level was. Returns the stores where this is impossible, because
 * more is on hold than on hand: a person must count there.
 */
function balance(turn: Turn, operation: string): string[] {
  const ledger = byStore(readLedgerSums(turn.sql));
  const kept = readKept(turn.sql);
  const levels = byStore(storesIn(turn.books));
  const stores = new Set([...levels.keys(), ...ledger.keys(), ...kept.keys()]);
  return [...stores].filter((storeId) => {
    const level = levels.get(storeId) ?? NO_UNITS;
    const before = ledger.get(storeId) ?? NO_UNITS;
    const after = { on_hand: before.on_hand, reserved: kept.get(storeId) ?? 0 };
    if (isSame(level, after) && isSame(before, after)) return false;
    if (after.reserved > after.on_hand) return true;
    const reason = `reconcile: the level was ${level.on_hand}, of which ${level.reserved} reserved`;
    correct(turn, before, after, { storeId, actor: RECONCILE, reason, reference: operation });
    return false;
  });
}

/** The actor of corrections in the ledger. */
const RECONCILE = "system:reconcile";

const isSame = (one: Count, other: Count): boolean =>
  one.on_hand === other.on_hand && one.reserved === other.reserved;

const byStore = (counts: (Count & { store_id: string })[]): Map<string, Count> =>
  new Map(counts.map(({ store_id, on_hand, reserved }) => [store_id, { on_hand, reserved }]));

/** Units that open claims keep, by store. */
function readKept(sql: Sql): Map<string, number> {
  const rows = sql.all<{ store_id: string; kept: number }>(
    `SELECT part.value ->> 'store_id' AS store_id, SUM(part.value ->> 'kept') AS kept
     FROM claims, json_each(claims.parts) AS part WHERE state = 'open' GROUP BY 1`,
  );
  return new Map(rows.map(({ store_id, kept }) => [store_id, kept]));
}
