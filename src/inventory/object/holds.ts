import { isoTimestamp } from "../../platform/clock.ts";
import type { Allocation, AuditedClaim, Held, Hold, ReserveRequest } from "../stock-types.ts";
import type { Sql, Turn } from "./sql-port.ts";

/** Claims in the way that are named to a claim that fell short, at most. */
const MAX_CLAIMS_IN_THE_WAY = 500;
/** Open holds that a page shows, at most. */
const MAX_HOLDS = 1_000;

export interface Claim extends Pick<AuditedClaim, "claim" | "order_id" | "state" | "version"> {
  asks: number;
}

export const findClaim = (sql: Sql, claim: string): Claim | null =>
  sql.all<Claim>("SELECT claim, order_id, state, version, asks FROM claims WHERE claim = ?", claim)[0] ??
  null;

export const heldBy = (sql: Sql, claim: string): Held[] =>
  sql.all<Held>("SELECT store_id, kept, shipped FROM holds WHERE claim = ? ORDER BY store_id", claim);

/** What a claim was given; units that have shipped since are included. */
export const allocationsOf = (sql: Sql, claim: string): Allocation[] =>
  heldBy(sql, claim).map(({ store_id, kept, shipped }) => ({ store_id, quantity: kept + shipped }));

/** Opens a provisional hold. @param deadline when it asks for its claim's fate, milliseconds */
export function openHold(
  { sql, now, books }: Turn,
  { claim, orderId }: ReserveRequest,
  allocations: Allocation[],
  deadline: number,
): void {
  sql.all(
    `INSERT INTO claims (claim, order_id, state, version, ask_at, asks, created_at, line)
     VALUES (?, ?, 'open', 0, ?, 0, ?, ?)`,
    claim,
    orderId,
    deadline,
    now,
    books.lastSeq,
  );
  for (const { store_id, quantity } of allocations) {
    sql.all(
      "INSERT INTO holds (claim, store_id, kept, shipped) VALUES (?, ?, ?, 0)",
      claim,
      store_id,
      quantity,
    );
  }
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

/** Brings a claim to an order's version. When it keeps nothing any more, it is released for good. */
export function updateHold({ sql, books }: Turn, claim: string, version: number, held: Held[]): void {
  for (const { store_id, kept, shipped } of held) {
    sql.all(
      "UPDATE holds SET kept = ?, shipped = ? WHERE claim = ? AND store_id = ?",
      kept,
      shipped,
      claim,
      store_id,
    );
  }
  const state = held.some(({ kept }) => kept > 0) ? "open" : "settled";
  sql.all(
    "UPDATE claims SET state = ?, version = ?, line = ? WHERE claim = ?",
    ...[state, version, books.lastSeq, claim],
  );
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
     ON CONFLICT (claim) DO UPDATE SET order_id = COALESCE(order_id, excluded.order_id), ask_at = excluded.ask_at`,
    claim.claim,
    claim.orderId,
    claim.version,
    claim.askAt ?? now + FIRST_ASK_MS,
    now,
  );
  for (const { store_id } of held) {
    sql.all(
      "INSERT INTO holds (claim, store_id, kept, shipped) VALUES (?, ?, 0, 0) ON CONFLICT DO NOTHING",
      claim.claim,
      store_id,
    );
  }
  const changed = new Map(held.map((part) => [part.store_id, part]));
  const all = heldBy(sql, claim.claim).map((part) => changed.get(part.store_id) ?? part);
  updateHold(turn, claim.claim, claim.version, all);
}

/** Open claims in these stores that may yet let go, since no living order of theirs is known. Largest id first. */
export const inTheWay = (sql: Sql, stores: string[]): { claim: string; quantity: number }[] =>
  sql.all(
    `SELECT claims.claim, SUM(holds.kept) AS quantity FROM claims JOIN holds ON holds.claim = claims.claim
     WHERE claims.state = 'open' AND claims.version = 0
       AND holds.kept > 0 AND holds.store_id IN (SELECT value FROM json_each(?))
     GROUP BY claims.claim ORDER BY claims.claim DESC LIMIT ?`,
    JSON.stringify(stores),
    MAX_CLAIMS_IN_THE_WAY,
  );

interface OpenHoldRow extends Held {
  claim: string;
  order_id: string;
  version: number;
  ask_at: number;
}

/** The open holds, in the order in which they ask, and no more than a page shows. */
export function readHolds(sql: Sql): Hold[] {
  const rows = sql.all<OpenHoldRow>(
    `SELECT open.claim, open.order_id, open.version, open.ask_at, holds.store_id, holds.kept, holds.shipped
     FROM (SELECT * FROM claims WHERE state = 'open' ORDER BY ask_at LIMIT ?) AS open
     JOIN holds ON holds.claim = open.claim AND holds.kept > 0
     ORDER BY open.ask_at, open.claim, holds.store_id`,
    MAX_HOLDS,
  );
  return [...Map.groupBy(rows, (row) => row.claim).values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [toHold(first, group)];
  });
}

const toHold = (first: OpenHoldRow, group: OpenHoldRow[]): Hold => ({
  claim: first.claim,
  order_id: first.order_id,
  confirmed: first.version > 0,
  allocations: group.map(({ store_id, kept }) => ({ store_id, quantity: kept })),
  ask_at: isoTimestamp(first.ask_at),
});
