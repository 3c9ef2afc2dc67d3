import { readMeta } from "./schema.ts";
import { one, type Turn } from "./sql-port.ts";
import type { StockReport } from "./stock-types.ts";

/** News wait so long for more of them, to travel together. Milliseconds, as all here. */
const GATHER = 1_000;
/** A hot object reports no more often than this. */
const PACE = 2_000;
/** A report that nobody acknowledged is lost: all of it is told again. */
const TELL_AGAIN = 60_000;
/** A queue message carries 128 KB; a level is at most about 150 bytes of it. */
const MAX_LEVELS = 500;

/** A level changes: counts it, and sees that the projection will hear of it. Returns the level's version. */
export function noteNews({ sql, now }: Turn): number {
  const rows = sql.all<{ version: number }>(
    `UPDATE meta SET version = version + 1,
       report_at = MIN(COALESCE(report_at, ?1), MAX(?2, sent_at + ?3)) RETURNING version`,
    Number.MAX_SAFE_INTEGER,
    now + GATHER,
    PACE,
  );
  return one(rows).version;
}

/**
 * The report that is due by `at`, taken as sent: whether it arrives is only known when it is acknowledged, so a
 * send that fails and a message that is lost heal alike.
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
  sql.all("UPDATE meta SET sent_at = ?, report_at = ?", now, at + TELL_AGAIN);
  return { productId: product_id, epoch, version: levels.at(-1)?.version ?? acked, at: now, levels };
}

/** The projection has all up to `version`: what came after it is told soon. */
export function acknowledge({ sql, now }: Turn, epoch: number, version: number): void {
  sql.all(
    `UPDATE meta SET acked = MAX(acked, ?1),
       report_at = CASE WHEN MAX(acked, ?1) >= version THEN NULL ELSE MIN(report_at, MAX(?2, sent_at + ?3)) END
     WHERE epoch = ?4`,
    version,
    now + GATHER,
    PACE,
    epoch,
  );
}

/**
 * The projection is told everything again, under a new epoch: that beats whatever it has, and an acknowledgement that is
 * still on its way to the old one counts for nothing. @param beyond the highest epoch that the projection has
 */
export function tellAgain({ sql, now }: Turn, beyond: number): void {
  sql.all(
    `UPDATE meta SET epoch = MAX(?1, epoch + 1, ?2 + 1), acked = 0,
       report_at = MIN(COALESCE(report_at, ?3), MAX(?1 + ?4, sent_at + ?5))
     WHERE version > 0`,
    now,
    beyond,
    Number.MAX_SAFE_INTEGER,
    GATHER,
    PACE,
  );
}
