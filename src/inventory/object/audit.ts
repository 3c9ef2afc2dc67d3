import type { AuditedClaim, StockAudit } from "../stock-types.ts";
import { nextDue } from "./ask.ts";
import type { Asked } from "./asked.ts";
import { type StoredClaim, withParts } from "./holds.ts";
import type { Sql, Turn } from "./sql-port.ts";

/** What an object without storage answers. */
export const NOTHING_TO_AUDIT: Omit<StockAudit, "alarm"> = {
  epoch: 0,
  version: 0,
  acked: 0,
  changed_at: 0,
  levels: [],
  ledger: [],
  claims: [],
  due: null,
};

/** Reads all that reconciliation compares, in one turn, so that nothing moves between its parts. */
export function audit(turn: Turn, asked: Asked, named: string[]): Omit<StockAudit, "alarm"> {
  const { sql, books } = turn;
  return {
    epoch: books.meta.epoch,
    version: books.version,
    acked: books.telling.acked,
    changed_at: books.lastAt,
    levels: [...books.levels].map(([store_id, level]) => ({ store_id, ...level })),
    ledger: readLedgerSums(sql),
    claims: readClaims(sql, named),
    due: nextDue(turn, asked),
  };
}

export const readLedgerSums = (sql: Sql): StockAudit["ledger"] =>
  sql.all(
    `SELECT store_id, SUM(on_hand_after - on_hand_before) AS on_hand,
       SUM(reserved_after - reserved_before) AS reserved
     FROM movements GROUP BY store_id ORDER BY store_id`,
  );

const readClaims = (sql: Sql, named: string[]): AuditedClaim[] =>
  sql
    .all<StoredClaim<AuditedClaim>>(
      `SELECT c.claim, c.order_id, c.state, c.version, c.created_at, c.ask_at, c.parts
       FROM (SELECT claim FROM claims WHERE state = 'open' UNION SELECT value FROM json_each(?)) AS wanted
       JOIN claims AS c ON c.claim = wanted.claim ORDER BY c.claim`,
      JSON.stringify(named),
    )
    .map(withParts);
