import { NO_UNITS } from "../../inventory/object/levels.ts";
import type { AuditedClaim, Count, StockAudit } from "../../inventory/stock-types.ts";
import { isLiving } from "../../orders/lifecycle.ts";
import type { OrderAllocation } from "../../orders/order.ts";
import type { Drift, DriftKind } from "./drift.ts";
import { type ClaimRow, claimKey, type OpenLine, type Snapshot } from "./snapshot.ts";

/** What has just happened in D1 may take this long to reach its object: by the inline follow, or by the next minute's sweep. */
export const IN_TRANSIT_MS = 120_000;

/**
 * Compares the parts of a snapshot. Pure. Nothing that is under way counts as drift, although the parts were not read at
 * one moment:
 *
 * - level_ledger, level_holds and alarm_asleep compare what one turn of the object read, and nothing moves within a turn;
 * - order_unheld: the order's row was the same before and after the audit, so it was the same during it. An order holds
 *   what it has not shipped from before its row exists until after its row says otherwise;
 * - dead_hold and hold_differs: D1 changes first and the object follows, so for a moment such a difference is normal. It
 *   counts when D1's rows are older than IN_TRANSIT_MS. A provisional hold without a fate belongs to a placing, until its
 *   deadline is as long ago. Neither is waited for where it is from before a restore: nothing of then is on its way any
 *   more, and the generation keeps its placing from being recorded;
 * - projection: what the projection has acknowledged stays in D1, so D1 is read after the object for that. A level is never
 *   deleted and an epoch never falls, so D1 is read before it to find a store or an epoch that the object does not have.
 *
 * @param holdMs how long a provisional hold may stand before it asks
 */
export function findDrift(snapshot: Snapshot, now: number, holdMs: number): Drift[] {
  return [...snapshot.audits].flatMap(([productId, audit]) => {
    const found: Drift[] = [];
    const note: Note = (kind, detail, about) => {
      const nowhere = { store_id: null, claim: null, order_id: null };
      found.push({ product_id: productId, kind, detail, ...nowhere, ...about, state: "found" });
    };
    compareLevels(audit, note);
    compareOrders(snapshot, productId, audit, note);
    for (const claim of audit.claims) {
      const row = snapshot.claims.get(claimKey(productId, claim.claim));
      if (claim.state === "open" && row) compareHold(claim, row, { now, holdMs }, note);
    }
    compareProjection(snapshot, productId, audit, now, note);
    compareAlarm(audit, now, note);
    return found;
  });
}

type Note = (kind: DriftKind, detail: string, about?: Partial<Drift>) => void;

function compareLevels({ levels, ledger, claims }: StockAudit, note: Note): void {
  const kept = new Map<string, number>();
  for (const part of claims.filter(({ state }) => state === "open").flatMap(({ parts }) => parts)) {
    kept.set(part.store_id, (kept.get(part.store_id) ?? 0) + part.kept);
  }
  const stores = new Set([...levels, ...ledger].map((count) => count.store_id).concat(...kept.keys()));
  for (const store_id of stores) {
    const level = levels.find((one) => one.store_id === store_id) ?? NO_UNITS;
    const sums = ledger.find((one) => one.store_id === store_id) ?? NO_UNITS;
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

function compareOrders(snapshot: Snapshot, productId: string, audit: StockAudit, note: Note): void {
  const still = new Map(snapshot.after.lines.map((line) => [lineKey(line), line]));
  for (const line of snapshot.before.lines) {
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
  { now, holdMs }: { now: number; holdMs: number },
  note: Note,
): void {
  const about = { claim: claim.claim, order_id: claim.order_id };
  const restoredAt = row.restored_at ?? 0;
  if (row.fate === null) {
    const provisional =
      claim.version === 0 && claim.created_at + holdMs + IN_TRANSIT_MS > now && claim.created_at > restoredAt;
    if (!provisional) note("dead_hold", "nobody placed this claim, and its time is over", about);
    return;
  }
  const since = Math.max(row.decided_at ?? 0, row.updated_at ?? 0);
  if (since + IN_TRANSIT_MS > now && since > restoredAt) return;
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

function compareProjection(
  { before, after }: Snapshot,
  productId: string,
  audit: StockAudit,
  now: number,
  note: Note,
): void {
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
    const isForgotten = audit.alarm === null && audit.changed_at + IN_TRANSIT_MS <= now;
    if (!known && level.version > audit.acked && isForgotten) {
      note("projection", "the projection lacks it, and no alarm will tell it", { store_id });
    } else if (!known && level.version <= audit.acked && (row?.epoch ?? 0) <= audit.epoch) {
      note("projection", "the projection lacks what it acknowledged", { store_id });
    } else if (known && row.version === level.version && words(row) !== words(level)) {
      note("projection", `the projection says ${words(row)}; the level is ${words(level)}`, { store_id });
    }
  }
}

/**
 * An alarm that was set for a past time has the time of its setting, by the clock of the machine that set it, and one that
 * is being delivered reads as null. So what is due about now counts as on its way.
 */
function compareAlarm({ due, alarm }: StockAudit, now: number, note: Note): void {
  if (due === null) return;
  const sleeps =
    alarm === null ? Math.abs(now - due) >= IN_TRANSIT_MS : alarm > Math.max(due, now) + IN_TRANSIT_MS;
  if (!sleeps) return;
  const when = new Date(due).toISOString();
  note(
    "alarm_asleep",
    `it must be awake by ${when}; ${alarm === null ? "no alarm is set" : "its alarm is later"}`,
  );
}
