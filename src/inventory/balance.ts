import { readLedgerSums } from "./audit.ts";
import { correct } from "./ledger.ts";
import { NOTHING, readStores } from "./levels.ts";
import type { Sql, Turn } from "./sql-port.ts";
import type { Count } from "./stock-types.ts";

/**
 * Rebuilds the levels that do not agree with what they are made of. Which side is the truth: `on_hand` is what the
 * ledger adds up to, since every line of it is append-only and names its cause, and the level only a running total of
 * them; `reserved` is what the open holds keep, since each of them answers to a row in D1, and the total to none. So
 * the level is set to both, and one line of correction takes the ledger's own `reserved` there; it says what the level
 * had been. Returns the stores where that cannot be: more on hold than on hand. Those wait for a person's count.
 */
export function balance(turn: Turn, operation: string): string[] {
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
export const RECONCILE = "system:reconcile";

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
