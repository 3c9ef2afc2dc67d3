import { isoTimestamp } from "../../platform/clock.ts";
import type { Allocation, AuditedClaim, Held, Hold, ReserveRequest } from "../stock-types.ts";
import type { Books } from "./books.ts";
import type { Sql, Turn } from "./sql-port.ts";

/** Claims in the way that are named to a claim that fell short, at most. */
const MAX_CLAIMS_IN_THE_WAY = 500;
/** Open holds that a page shows, at most. */
const MAX_HOLDS = 1_000;

export interface Claim extends Omit<AuditedClaim, "ask_at" | "created_at"> {
  asks: number;
}

/** A claim as it is stored: its parts are JSON. */
export type StoredClaim<C extends { parts: Held[] }> = Omit<C, "parts"> & { parts: string };

export const withParts = <C extends { parts: string }>(stored: C): Omit<C, "parts"> & { parts: Held[] } => ({
  ...stored,
  parts: JSON.parse(stored.parts),
});

/** By the stores' ids, whatever their order was, and nothing else of them. */
export const partsJson = (parts: Held[]): string =>
  JSON.stringify(
    parts
      .toSorted((one, other) => (one.store_id < other.store_id ? -1 : 1))
      .map(({ store_id, kept, shipped }) => ({ store_id, kept, shipped })),
  );

export function findClaim(sql: Sql, claim: string): Claim | null {
  const [stored] = sql.all<StoredClaim<Claim>>(
    "SELECT claim, order_id, state, version, asks, parts FROM claims WHERE claim = ?",
    claim,
  );
  return stored ? withParts(stored) : null;
}

/** What a claim was given; units that have shipped since are included. */
export const allocationsOf = ({ parts }: Claim): Allocation[] =>
  parts.map(({ store_id, kept, shipped }) => ({ store_id, quantity: kept + shipped }));

/** Opens a provisional hold. @param deadline when it asks for its claim's fate, milliseconds */
export function openHold(
  { sql, now, books }: Turn,
  { claim, orderId }: ReserveRequest,
  allocations: Allocation[],
  deadline: number,
): void {
  const parts = allocations.map(({ store_id, quantity }) => ({ store_id, kept: quantity, shipped: 0 }));
  sql.all(
    `INSERT INTO claims (claim, order_id, state, version, ask_at, asks, created_at, line, parts)
     VALUES (?, ?, 'open', 0, ?, 0, ?, ?, ?)`,
    claim,
    orderId,
    deadline,
    now,
    books.lastSeq,
    partsJson(parts),
  );
  books.noteClaim(claim, true, parts);
}

/** Notes a claim that died before it reserved anything here. If its reserve still arrives, it finds itself dead. */
export function writeTombstone({ sql, now, books }: Turn, claim: string, version: number): void {
  sql.all(
    `INSERT INTO claims (claim, order_id, state, version, ask_at, asks, created_at, line)
     VALUES (?, NULL, 'settled', ?, ?, 0, ?, ?)`,
    claim,
    version,
    now,
    now,
    books.lastSeq,
  );
}

/**
 * Brings an open claim to an order's version. When it keeps nothing any more, it is released for good.
 * @param askAt when it asks next, milliseconds, if this is an answer; null if it is not
 */
export function updateHold(
  { sql, books }: Turn,
  claim: string,
  version: number,
  parts: Held[],
  askAt: number | null,
): void {
  const isOpen = parts.some(({ kept }) => kept > 0);
  // What stays as it is would write the index of open claims for nothing.
  const settled = isOpen ? "" : ", state = 'settled'";
  const asks = isOpen && askAt !== null ? ", asks = asks + 1, ask_at = ?" : "";
  sql.all(
    `UPDATE claims SET version = ?, line = ?, parts = ?${settled}${asks} WHERE claim = ?`,
    ...[version, books.lastSeq, partsJson(parts), ...(asks ? [askAt] : []), claim],
  );
  books.noteClaim(claim, isOpen && version === 0, parts);
}

/** A claim that reconciliation has written first asks for its fate this long after. */
const FIRST_ASK_MS = 5 * 60_000;

/** Reconciliation sets a claim to what its row in D1 says, even if it was unknown or released here. */
export function putClaim(
  turn: Turn,
  claim: { claim: string; orderId: string | null; version: number; askAt: number | null },
  held: Held[],
): void {
  const { sql, now } = turn;
  sql.all(
    `INSERT INTO claims (claim, order_id, state, version, ask_at, asks, created_at)
     VALUES (?, ?, 'open', ?, ?, 0, ?)
     ON CONFLICT (claim) DO UPDATE
       SET order_id = COALESCE(order_id, excluded.order_id), ask_at = excluded.ask_at, state = 'open'`,
    claim.claim,
    claim.orderId,
    claim.version,
    claim.askAt ?? now + FIRST_ASK_MS,
    now,
  );
  const changed = new Set(held.map(({ store_id }) => store_id));
  const others = (findClaim(sql, claim.claim)?.parts ?? []).filter(({ store_id }) => !changed.has(store_id));
  updateHold(turn, claim.claim, claim.version, [...others, ...held], null);
}

/** Open claims in these stores that may yet let go, since no living order of theirs is known. Largest id first. */
export function inTheWay(books: Books, stores: string[]): { claim: string; quantity: number }[] {
  const wanted = new Set(stores);
  return [...books.provisional]
    .map(([claim, parts]) => ({ claim, quantity: keptIn(parts, wanted) }))
    .filter(({ quantity }) => quantity > 0)
    .sort((one, other) => (one.claim < other.claim ? 1 : -1))
    .slice(0, MAX_CLAIMS_IN_THE_WAY);
}

const keptIn = (parts: readonly Held[], stores: Set<string>): number =>
  parts.reduce((sum, { store_id, kept }) => (stores.has(store_id) ? sum + kept : sum), 0);

interface OpenClaim extends Pick<AuditedClaim, "claim" | "version" | "ask_at" | "parts"> {
  order_id: string;
}

/** The open holds, in the order in which they ask, and no more than a page shows. */
export function readHolds(sql: Sql): Hold[] {
  const open = sql.all<StoredClaim<OpenClaim>>(
    `SELECT claim, order_id, version, ask_at, parts FROM claims
     WHERE state = 'open' ORDER BY ask_at, claim LIMIT ?`,
    MAX_HOLDS,
  );
  return open.map(withParts).map(({ claim, order_id, version, ask_at, parts }) => ({
    ...{ claim, order_id },
    confirmed: version > 0,
    allocations: parts
      .filter(({ kept }) => kept > 0)
      .map(({ store_id, kept }) => ({ store_id, quantity: kept })),
    ask_at: isoTimestamp(ask_at),
  }));
}
