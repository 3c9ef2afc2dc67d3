import type { StockReport } from "../stock-types.ts";
import { readMeta } from "./schema.ts";
import { one, type Turn } from "./sql-port.ts";

/** A change waits this long for others, so that one report carries them all. */
const GATHER_CHANGES_MS = 1_000;
/** An object that changes all the time reports no more often than this. */
const MIN_REPORT_INTERVAL_MS = 2_000;
/** A report that is not acknowledged by then counts as lost, and is sent again. */
const REPORT_AGAIN_MS = 60_000;
/** Levels of one report. A queue message carries 128 KB, and a level is about 150 bytes of it at most. */
const MAX_LEVELS = 500;

/** Counts a change of a level, and makes a report of it due. Returns the level's new version. */
export function countChange({ sql, now }: Turn): number {
  const rows = sql.all<{ version: number }>(
    `UPDATE meta SET version = version + 1,
       report_at = MIN(COALESCE(report_at, ?), MAX(?, sent_at + ?)) RETURNING version`,
    Number.MAX_SAFE_INTEGER,
    now + GATHER_CHANGES_MS,
    MIN_REPORT_INTERVAL_MS,
  );
  return one(rows).version;
}

/**
 * The report that is due by `at`; null when none is. It is noted as sent, and due again later: only an acknowledgement
 * says that it has arrived, so a send that fails is repeated just as a message that was lost.
 */
export function takeReport({ sql, now }: Turn, at: number): StockReport | null {
  const { product_id, epoch, acked, report_at } = readMeta(sql);
  if (report_at === null || report_at > at) return null;
  const levels = sql.all<StockReport["levels"][number]>(
    `SELECT store_id AS storeId, on_hand AS onHand, reserved, version FROM levels
     WHERE version > ? ORDER BY version LIMIT ?`,
    acked,
    MAX_LEVELS,
  );
  sql.all("UPDATE meta SET sent_at = ?, report_at = ?", now, at + REPORT_AGAIN_MS);
  return { productId: product_id, epoch, version: levels.at(-1)?.version ?? acked, at: now, levels };
}

/** The projection has everything up to `version`. If there is more already, the next report is due soon. */
export function acknowledge({ sql, now }: Turn, epoch: number, version: number): void {
  sql.all(
    `UPDATE meta SET acked = MAX(acked, ?),
       report_at = CASE WHEN MAX(acked, ?) >= version THEN NULL ELSE MIN(report_at, MAX(?, sent_at + ?)) END
     WHERE epoch = ?`,
    version,
    version,
    now + GATHER_CHANGES_MS,
    MIN_REPORT_INTERVAL_MS,
    epoch,
  );
}

/**
 * Makes a report of all levels due, under a new epoch. The new epoch wins over whatever the projection has, and an
 * acknowledgement of the old one that is still on its way has no effect. @param beyond the projection's highest epoch
 */
export function reportEverything({ sql, now }: Turn, beyond: number): void {
  sql.all(
    `UPDATE meta SET epoch = MAX(?, epoch + 1, ? + 1), acked = 0,
       report_at = MIN(COALESCE(report_at, ?), MAX(? + ?, sent_at + ?))
     WHERE version > 0`,
    now,
    beyond,
    Number.MAX_SAFE_INTEGER,
    now,
    GATHER_CHANGES_MS,
    MIN_REPORT_INTERVAL_MS,
  );
}
