import { isoTimestamp } from "../../platform/clock.ts";
import type { Count, Movement, MovementPage, MovementType } from "../stock-types.ts";
import { countIn, NO_UNITS } from "./levels.ts";
import { countChange } from "./report.ts";
import type { Sql, Turn } from "./sql-port.ts";

/** What one unit of a movement changes in a store's two numbers. A movement's quantity is signed. */
const EFFECTS: Record<Exclude<MovementType, "correction">, Count> = {
  opening: { on_hand: 1, reserved: 0 },
  add: { on_hand: 1, reserved: 0 },
  receive: { on_hand: 1, reserved: 0 },
  return: { on_hand: 1, reserved: 0 },
  remove: { on_hand: 1, reserved: 0 },
  damage: { on_hand: 1, reserved: 0 },
  set: { on_hand: 1, reserved: 0 },
  transfer_in: { on_hand: 1, reserved: 0 },
  transfer_out: { on_hand: 1, reserved: 0 },
  reserve: { on_hand: 0, reserved: 1 },
  release: { on_hand: 0, reserved: -1 },
  ship: { on_hand: 1, reserved: 1 },
};

interface About {
  storeId: string;
  actor: string;
  reason?: string;
  reference?: string | null;
  orderId?: string | null;
}

export interface Move extends About {
  type: Exclude<MovementType, "correction">;
  /** Negative where units leave: `remove`, `damage`, `transfer_out`, `ship`, a `set` to less. */
  quantity: number;
}

/**
 * Changes a level: sets the level, writes its line in the ledger, and makes a report to the projection due, all together.
 * Throws if `0 <= reserved <= on_hand` would not hold after it, so callers must check before they call.
 */
export function move(turn: Turn, { type, quantity, ...about }: Move): Movement {
  const effect = EFFECTS[type];
  const before = countIn(turn.books, about.storeId) ?? NO_UNITS;
  const after: Count = {
    on_hand: before.on_hand + effect.on_hand * quantity,
    reserved: before.reserved + effect.reserved * quantity,
  };
  return write(turn, type, quantity, before, after, about);
}

/**
 * Sets a level to what reconciliation found to be true.
 * @param before what the ledger's line starts from: the level's own numbers, or the ledger's sums where the level is wrong
 */
export function correct(turn: Turn, before: Count, after: Count, about: About): Movement {
  const quantity = after.on_hand - before.on_hand || after.reserved - before.reserved;
  return write(turn, "correction", quantity, before, after, about);
}

function write(
  turn: Turn,
  type: MovementType,
  quantity: number,
  before: Count,
  after: Count,
  { storeId, actor, reason, reference, orderId }: About,
): Movement {
  const { sql, now, books } = turn;
  books.setLevel(storeId, { ...after, version: countChange(turn) });
  const row: MovementRow = {
    ...books.nextLine(now),
    type,
    store_id: storeId,
    quantity,
    on_hand_before: before.on_hand,
    reserved_before: before.reserved,
    on_hand_after: after.on_hand,
    reserved_after: after.reserved,
    actor,
    reason: reason ?? null,
    reference: reference ?? null,
    order_id: orderId ?? null,
  };
  sql.all(
    `INSERT INTO movements (seq, at, type, store_id, quantity, on_hand_before, reserved_before, on_hand_after,
       reserved_after, actor, reason, reference, order_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[row.seq, row.at, row.type, row.store_id, row.quantity, row.on_hand_before, row.reserved_before],
    ...[row.on_hand_after, row.reserved_after, row.actor, row.reason, row.reference, row.order_id],
  );
  return toMovement(row);
}

/** A page of the ledger, newest first. @param before only lines with a smaller `seq`; null for the newest page */
export function readMovements(sql: Sql, before: number | null, limit: number): MovementPage {
  const rows = sql.all<MovementRow>(
    "SELECT * FROM movements WHERE seq < ? ORDER BY seq DESC LIMIT ?",
    before ?? Number.MAX_SAFE_INTEGER,
    limit + 1,
  );
  const movements = rows.slice(0, limit).map(toMovement);
  return { movements, next: rows.length > limit ? (movements.at(-1)?.seq ?? null) : null };
}

/** The lines since a moment that no order has written, newest first. Reads no line of before it. @param since milliseconds */
export const readHandMovements = (sql: Sql, since: number, limit: number): Movement[] =>
  sql
    .all<MovementRow>(
      `SELECT * FROM movements
       WHERE seq > COALESCE((SELECT seq FROM movements WHERE at < ? ORDER BY seq DESC LIMIT 1), 0)
         AND type NOT IN ('reserve', 'release', 'ship') ORDER BY seq DESC LIMIT ?`,
      since,
      limit,
    )
    .map(toMovement);

interface MovementRow extends Omit<Movement, "at" | "before" | "after"> {
  at: number;
  on_hand_before: number;
  reserved_before: number;
  on_hand_after: number;
  reserved_after: number;
}

const toMovement = (row: MovementRow): Movement => ({
  seq: row.seq,
  at: isoTimestamp(row.at),
  type: row.type,
  store_id: row.store_id,
  quantity: row.quantity,
  before: { on_hand: row.on_hand_before, reserved: row.reserved_before },
  after: { on_hand: row.on_hand_after, reserved: row.reserved_after },
  actor: row.actor,
  reason: row.reason,
  reference: row.reference,
  order_id: row.order_id,
});
