import type { AuditedClaim, Count, StockAudit } from "../../inventory/stock-types.ts";
import { isLiving } from "../../orders/lifecycle.ts";
import type { OrderAllocation } from "../../orders/order.ts";
import type { Drift, DriftKind } from "./drift.ts";
import { type ClaimRow, claimKey, type Look, type OpenLine } from "./look.ts";

/**
 * What has only just happened in D1 is on its way to its object: the command that follows a batch takes milliseconds, or
 * is owed and comes with the next minute's sweep. Milliseconds.
 */
export const ON_ITS_WAY = 120_000;

interface About {
  store_id?: string;
  claim?: string;
  order_id?: string | null;
}

/**
 * Compares what was looked at. Pure. Nothing that is under way is drift, whatever moved between the parts of the look:
 *
 * - level_ledger, level_holds and alarm_asleep are told by one turn of the object, in which nothing moves;
 * - order_unheld: the order's row was the same before and after the audit, so it was so during it, and an order holds all
 *   that it has not shipped from before its row exists until after its row lets go of it;
 * - dead_hold, hold_differs: D1 moves first and the object follows, so a difference this way is usual for a moment. It
 *   counts once D1 has been as it is for longer than any command is on its way. A provisional hold without a fate is its
 *   placing's, until its deadline has passed by as much;
 * - projection: what an object was told is acknowledged is in D1 at every later moment, so D1 is read after; a level is
 *   never deleted and an epoch never falls, so a row of a store or an epoch that the object lacks is read before.
 *
 * @param hold how long a provisional hold may stand before it asks, milliseconds
 */
export function findDrift(look: Look, now: number, hold: number): Drift[] {
  return [...look.audits].flatMap(([productId, audit]) => {
    const found: Drift[] = [];
    const note = (kind: DriftKind, detail: string, { store_id, claim, order_id }: About = {}) => {
      found.push({
        product_id: productId,
        kind,
        detail,
        store_id: store_id ?? null,
        claim: claim ?? null,
        order_id: order_id ?? null,
        state: "found",
      });
    };
    compareLevels(audit, note);
    compareOrders(look, productId, audit, note);
    for (const claim of audit.claims) {
      const row = look.claims.get(claimKey(productId, claim.claim));
      if (claim.state === "open" && row) compareHold(claim, row, { now, hold }, note);
    }
    compareProjection(look, productId, audit, note);
    compareAlarm(audit, now, note);
    return found;
  });
}

type Note = (kind: DriftKind, detail: string, about?: About) => void;

const NOTHING: Count = { on_hand: 0, reserved: 0 };

function compareLevels({ levels, ledger, claims }: StockAudit, note: Note): void {
  const kept = new Map<string, number>();
  for (const part of claims.filter(({ state }) => state === "open").flatMap(({ parts }) => parts)) {
    kept.set(part.store_id, (kept.get(part.store_id) ?? 0) + part.kept);
  }
  const stores = new Set([...levels, ...ledger].map((count) => count.store_id).concat(...kept.keys()));
  for (const store_id of stores) {
    const level = levels.find((one) => one.store_id === store_id) ?? NOTHING;
    const sums = ledger.find((one) => one.store_id === store_id) ?? NOTHING;
    if (level.on_hand !== sums.on_hand || level.reserved !== sums.reserved)
      note("level_ledger", `the level is ${words(level)}; the ledger adds up to ${words(sums)}`, {
        store_id,
      });
    const held = kept.get(store_id) ?? 0;
    if (level.reserved !== held)
      note("level_holds", `${level.reserved} are reserved; the open holds keep ${held}`, { store_id });
  }
}

const words = ({ on_hand, reserved }: Count): string => `${on_hand} on hand, ${reserved} reserved`;

function compareOrders(look: Look, productId: string, audit: StockAudit, note: Note): void {
  const still = new Map(look.after.lines.map((line) => [lineKey(line), line]));
  for (const line of look.before.lines) {
    if (line.product_id !== productId || !isSame(line, still.get(lineKey(line)))) continue;
    const claim = audit.claims.find((one) => one.claim === line.claim);
    for (const { store_id, quantity, shipped } of line.allocations) {
      const kept = keptIn(claim, store_id);
      if (kept >= quantity - shipped) continue;
      const detail = `${quantity - shipped} units are to be shipped; ${kept} are held`;
      note("order_unheld", detail, { store_id, claim: line.claim, order_id: line.order_id });
    }
  }
}

const lineKey = (line: OpenLine): string => `${line.product_id} ${line.order_id}`;

const isSame = (one: OpenLine, other: OpenLine | undefined): boolean =>
  one.version === other?.version && one.claim === other.claim;

const keptIn = (claim: AuditedClaim | undefined, storeId: string): number =>
  claim?.state === "open" ? (claim.parts.find((part) => part.store_id === storeId)?.kept ?? 0) : 0;

function compareHold(
  claim: AuditedClaim,
  row: ClaimRow,
  { now, hold }: { now: number; hold: number },
  note: Note,
): void {
  const about = { claim: claim.claim, order_id: claim.order_id };
  if (row.fate === null) {
    const provisional = claim.version === 0 && claim.created_at + hold + ON_ITS_WAY > now;
    if (!provisional) note("dead_hold", "nobody placed this claim, and its time is over", about);
    return;
  }
  const since = Math.max(row.decided_at ?? 0, row.updated_at ?? 0);
  if (since + ON_ITS_WAY > now) return;
  if (row.status === null || row.named_claim !== claim.claim || !isLiving(row.status)) {
    const why =
      row.status === null ? row.fate : row.named_claim === claim.claim ? row.status : "held by another claim";
    note("dead_hold", `the claim is dead: its order is ${why}`, about);
    return;
  }
  for (const part of claim.parts) {
    const { quantity, shipped } = allocationIn(row.allocations, part.store_id);
    if (part.kept <= quantity - shipped && part.shipped === shipped) continue;
    const found = `${part.kept} are held and ${part.shipped} shipped`;
    const detail = `${found}; its row says ${quantity - shipped} and ${shipped}`;
    note("hold_differs", detail, { ...about, store_id: part.store_id });
  }
}

const allocationIn = (allocations: OrderAllocation[], storeId: string): OrderAllocation =>
  allocations.find(({ store_id }) => store_id === storeId) ?? { store_id: storeId, quantity: 0, shipped: 0 };

function compareProjection({ before, after }: Look, productId: string, audit: StockAudit, note: Note): void {
  const own = new Set(audit.levels.map(({ store_id }) => store_id));
  for (const row of before.projection.filter((one) => one.product_id === productId)) {
    const { store_id } = row;
    if (!own.has(store_id)) note("projection", "the object never had any in this store", { store_id });
    else if (row.epoch > audit.epoch)
      note("projection", "the projection is of a life that never was", { store_id });
  }
  for (const level of audit.levels) {
    const { store_id } = level;
    const row = after.projection.find((one) => one.product_id === productId && one.store_id === store_id);
    const known = row !== undefined && row.epoch === audit.epoch && row.version >= level.version;
    if (!known && level.version <= audit.acked && (row?.epoch ?? 0) <= audit.epoch) {
      note("projection", "the projection lacks what it acknowledged", { store_id });
    } else if (known && row.version === level.version && words(row) !== words(level)) {
      note("projection", `the projection says ${words(row)}; the level is ${words(level)}`, { store_id });
    }
  }
}

/**
 * An alarm that is set for what has passed stands at the moment of its setting, and one that is being delivered is not
 * told of any more: what is due about now, by whoever's clock, is on its way.
 */
function compareAlarm({ due, alarm }: StockAudit, now: number, note: Note): void {
  if (due === null) return;
  const sleeps = alarm === null ? Math.abs(now - due) >= ON_ITS_WAY : alarm > Math.max(due, now);
  if (!sleeps) return;
  const when = new Date(due).toISOString();
  note(
    "alarm_asleep",
    `it must be awake by ${when}; ${alarm === null ? "no alarm is set" : "its alarm is later"}`,
  );
}
