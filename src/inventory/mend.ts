import { obey } from "./ask.ts";
import { readLedgerSums } from "./audit.ts";
import { findClaim, type Held, heldBy, putClaim } from "./holds.ts";
import { correct } from "./ledger.ts";
import { NOTHING, readCount, readStores } from "./levels.ts";
import { tellAgain } from "./report.ts";
import type { Sql, Turn } from "./sql-port.ts";
import type { Count, FollowState, MendCommand, MendHold, MendOutcome, MendReport } from "./stock-types.ts";

/** Sets right what an audit found. Levels first: holds can only be moved where the levels cover them. */
export function mend(turn: Turn, { operation, balance: wanted, holds, tellBeyond }: MendCommand): MendReport {
  const unbalanced = wanted ? balance(turn, operation) : [];
  const outcomes = holds.map((hold) => mendHold(turn, operation, hold));
  if (tellBeyond !== null) tellAgain(turn, tellBeyond);
  return { unbalanced, holds: outcomes };
}

/**
 * Brings a claim to its row's state: by the ordinary way where that is newer than what was applied, else by a
 * correction. The version that the audit saw must still stand. What D1 says was read after the audit; so if the order
 * has moved since, its newer version either came here first, and is seen, or comes later, and is applied on top of this.
 */
function mendHold(turn: Turn, operation: string, hold: MendHold): MendOutcome {
  const claim = findClaim(turn.sql, hold.claim);
  if ((claim?.version ?? null) !== hold.seen) return { kind: "moved" };
  if (claim) obey(turn, hold);

  const changes = changesTo(heldBy(turn.sql, hold.claim), hold.state);
  if (changes.length === 0) return { kind: "mended" };
  for (const { store_id, difference } of changes) {
    const { on_hand, reserved } = readCount(turn.sql, store_id) ?? NOTHING;
    const missing = reserved + difference.reserved - (on_hand + difference.on_hand);
    if (missing > 0) return { kind: "short", store_id, missing };
    if (reserved + difference.reserved < 0) return { kind: "short", store_id, missing: 0 };
  }
  putClaim(turn, hold, changes);
  for (const { store_id: storeId, difference } of changes) {
    const before = readCount(turn.sql, storeId) ?? NOTHING;
    const after = {
      on_hand: before.on_hand + difference.on_hand,
      reserved: before.reserved + difference.reserved,
    };
    const about = { storeId, actor: RECONCILE, reason: "reconcile", reference: operation };
    correct(turn, before, after, { ...about, orderId: hold.orderId });
  }
  return { kind: "mended" };
}

interface Change extends Held {
  difference: { on_hand: number; reserved: number };
}

/**
 * What each store's part must become. Units that the object took for shipped and D1 does not come back as held ones,
 * and the other way round: neither changes what is free, so no such correction can sell a unit twice.
 */
function changesTo(held: Held[], state: FollowState): Change[] {
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
 * Rebuilds the levels that do not agree with what they are made of. Which side is the truth: `on_hand` is what the
 * ledger adds up to, since every line of it is append-only and names its cause, and the level only a running total of
 * them; `reserved` is what the open holds keep, since each of them answers to a row in D1, and the total to none. So
 * the level is set to both, and one line of correction takes the ledger's own `reserved` there; it says what the level
 * had been. Returns the stores where that cannot be: more on hold than on hand. Those wait for a person's count.
 */
function balance(turn: Turn, operation: string): string[] {
  const ledger = byStore(readLedgerSums(turn.sql));
  const kept = readKept(turn.sql);
  const levels = byStore(readStores(turn.sql));
  const stores = new Set([...levels.keys(), ...ledger.keys(), ...kept.keys()]);
  return [...stores].filter((storeId) => {
    const level = levels.get(storeId) ?? NOTHING;
    const before = ledger.get(storeId) ?? NOTHING;
    const after = { on_hand: before.on_hand, reserved: kept.get(storeId) ?? 0 };
    if (isSame(level, after) && isSame(before, after)) return false;
    if (after.reserved > after.on_hand) return true;
    const reason = `reconcile: the level was ${level.on_hand}, of which ${level.reserved} reserved`;
    correct(turn, before, after, { storeId, actor: RECONCILE, reason, reference: operation });
    return false;
  });
}

/** What corrects levels, in the ledger. */
const RECONCILE = "system:reconcile";

const isSame = (one: Count, other: Count): boolean =>
  one.on_hand === other.on_hand && one.reserved === other.reserved;

const byStore = (counts: (Count & { store_id: string })[]): Map<string, Count> =>
  new Map(counts.map(({ store_id, on_hand, reserved }) => [store_id, { on_hand, reserved }]));

/** Units that open claims keep, by store. */
function readKept(sql: Sql): Map<string, number> {
  const rows = sql.all<{ store_id: string; kept: number }>(
    `SELECT holds.store_id, SUM(holds.kept) AS kept FROM claims JOIN holds ON holds.claim = claims.claim
     WHERE claims.state = 'open' GROUP BY holds.store_id`,
  );
  return new Map(rows.map(({ store_id, kept }) => [store_id, kept]));
}
