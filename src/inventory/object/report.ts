import type { StockReport } from "../stock-types.ts";
import type { Turn } from "./sql-port.ts";

/** A change waits this long for others, so that one report carries them all. */
const GATHER_CHANGES_MS = 1_000;
/** An object that changes all the time reports no more often than this. */
const MIN_REPORT_INTERVAL_MS = 2_000;
/** A report that is not acknowledged by then counts as lost, and is sent again. */
const REPORT_AGAIN_MS = 60_000;
/** Levels of one report. A queue message carries 128 KB, and a level is about 150 bytes of it at most. */
const MAX_LEVELS = 500;

/** When a report may be sent at the earliest, if something changes now. */
const soonest = ({ now, books }: Turn): number =>
  Math.max(now + GATHER_CHANGES_MS, books.meta.sent_at + MIN_REPORT_INTERVAL_MS);

/** Counts a change of a level, and makes a report of it due. Returns the level's new version. */
export function countChange(turn: Turn): number {
  const { meta } = turn.books;
  const version = meta.version + 1;
  turn.books.changeMeta({ version, report_at: Math.min(meta.report_at ?? Infinity, soonest(turn)) });
  return version;
}

/**
 * The report that is due by `at`; null when none is. It is noted as sent, and due again later: only an acknowledgement
 * says that it has arrived, so a send that fails is repeated just as a message that was lost.
 */
export function takeReport({ now, books }: Turn, at: number): StockReport | null {
  const { product_id, epoch, acked, report_at } = books.meta;
  if (report_at === null || report_at > at) return null;
  const levels = [...books.levels]
    .filter(([, { version }]) => version > acked)
    .sort(([, one], [, other]) => one.version - other.version)
    .slice(0, MAX_LEVELS)
    .map(([storeId, { on_hand, reserved, version }]) => ({ storeId, onHand: on_hand, reserved, version }));
  books.changeMeta({ sent_at: now, report_at: at + REPORT_AGAIN_MS });
  return { productId: product_id, epoch, version: levels.at(-1)?.version ?? acked, at: now, levels };
}

/** The projection has everything up to `version`. If there is more already, the next report is due soon. */
export function acknowledge(turn: Turn, epoch: number, version: number): void {
  const { meta } = turn.books;
  if (meta.epoch !== epoch) return;
  const acked = Math.max(meta.acked, version);
  const isTold = acked >= meta.version || meta.report_at === null;
  turn.books.changeMeta({ acked, report_at: isTold ? null : Math.min(meta.report_at, soonest(turn)) });
}

/**
 * Makes a report of all levels due, under a new epoch. The new epoch wins over whatever the projection has, and an
 * acknowledgement of the old one that is still on its way has no effect. @param beyond the projection's highest epoch
 */
export function reportEverything(turn: Turn, beyond: number): void {
  const { meta } = turn.books;
  if (meta.version === 0) return;
  turn.books.changeMeta({
    epoch: Math.max(turn.now, meta.epoch + 1, beyond + 1),
    acked: 0,
    report_at: Math.min(meta.report_at ?? Infinity, soonest(turn)),
  });
}
