import type { AuditedClaim, Held, StockAudit } from "../stock-types.ts";
import { nextDue } from "./ask.ts";
import type { Books } from "./books.ts";
import type { Sql } from "./sql-port.ts";

/** What an object without storage answers. */
export const NOTHING_TO_AUDIT: Omit<StockAudit, "alarm"> = {
  epoch: 0,
  version: 0,
  acked: 0,
  levels: [],
  ledger: [],
  claims: [],
  due: null,
};

/** Reads all that reconciliation compares, in one turn, so that nothing moves between its parts. */
export function audit(sql: Sql, books: Books, named: string[]): Omit<StockAudit, "alarm"> {
  const { epoch, version, acked } = books.meta;
  return {
    epoch,
    version,
    acked,
    levels: [...books.levels].map(([store_id, level]) => ({ store_id, ...level })),
    ledger: readLedgerSums(sql),
    claims: readClaims(sql, named),
    due: nextDue(sql, books),
  };
}

export const readLedgerSums = (sql: Sql): StockAudit["ledger"] =>
  sql.all(
    `SELECT store_id, SUM(on_hand_after - on_hand_before) AS on_hand,
       SUM(reserved_after - reserved_before) AS reserved
     FROM movements GROUP BY store_id ORDER BY store_id`,
  );

type ClaimRow = Omit<AuditedClaim, "parts"> & Omit<Held, "store_id"> & { store_id: string | null };

function readClaims(sql: Sql, named: string[]): AuditedClaim[] {
  const rows = sql.all<ClaimRow>(
    `SELECT c.claim, c.order_id, c.state, c.version, c.created_at, c.ask_at, h.store_id, h.kept, h.shipped
     FROM (SELECT claim FROM claims WHERE state = 'open' UNION SELECT value FROM json_each(?)) AS wanted
     JOIN claims AS c ON c.claim = wanted.claim LEFT JOIN holds AS h ON h.claim = c.claim
     ORDER BY c.claim, h.store_id`,
    JSON.stringify(named),
  );
  return [...Map.groupBy(rows, (row) => row.claim).values()].flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    const { store_id: _store, kept: _kept, shipped: _shipped, ...claim } = first;
    const parts = [first, ...rest].flatMap(({ store_id, kept, shipped }) =>
      store_id === null ? [] : [{ store_id, kept, shipped }],
    );
    return [{ ...claim, parts }];
  });
}
