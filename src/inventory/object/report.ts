import type { Arrival, ProjectedLevel, StockReport } from "../stock-types.ts";
import type { StoredLevel } from "./books.ts";
import type { Turn } from "./sql-port.ts";

/** A change waits this long for others, so that one report carries them all. */
const GATHER_CHANGES_MS = 1_000;
/** An object that changes all the time reports no more often than this. */
const MIN_REPORT_INTERVAL_MS = 2_000;
/** A report that is not acknowledged by then counts as lost, and is sent again. */
const REPORT_AGAIN_MS = 60_000;
/** Levels that an answer carries at most: more than these go by the queue. */
const MAX_CARRIED = 25;
/**
 * After its deadline a hold waits up to ten seconds for others, and asks. What it finds in the projection need not be
 * reported, so a report of what a hold carries is due only after that.
 */
const HOLD_ASKS_FIRST_MS = 30_000;
/** The longest that a report waits for that, however late the hold asks. */
const MAX_CARRIED_MS = 300_000;
/**
 * When an object reports what the answer to a follow carried, if it has not heard by then that it arrived. Nobody waits for
 * that: the caller's task tells again until it has written them. It is later than any hold asks next, so the alarm that
 * is set for that hold serves for this too, and none is set for it.
 */
const FOLLOWED_MS = 25 * 60 * 60_000;
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
  const { report_at } = books.meta;
  if (report_at === null || report_at > at) return null;
  const report = reportOf(now, books, untold(books).slice(0, MAX_LEVELS));
  books.changeMeta({ sent_at: now, report_at: at + REPORT_AGAIN_MS });
  return report;
}

/**
 * The report that the answer to a hold carries; null where there was one a moment ago, or it would be too long. Whoever
 * placed the hold either records its order, and the report with it, or lets go of it, which is a change that is reported.
 * If it does neither, the hold's own question finds what has not arrived.
 * @param reportAt when a report was due before these holds
 * @param deadline when the holds ask
 */
export function carryReport(
  { now, books }: Turn,
  reportAt: number | null,
  deadline: number,
): StockReport | null {
  const levels = untold(books);
  if (levels.length > MAX_CARRIED) return null;
  const { sent_at } = books.meta;
  if (now < sent_at + MIN_REPORT_INTERVAL_MS) {
    // A later hold may carry it. Only where none comes, a report of its own is due.
    const own = sent_at + 2 * MIN_REPORT_INTERVAL_MS;
    books.changeMeta({ report_at: Math.min(reportAt ?? Infinity, own) });
    return null;
  }
  const report = reportOf(now, books, levels);
  books.changeMeta({
    sent_at: now,
    report_at: Math.min(deadline + HOLD_ASKS_FIRST_MS, now + MAX_CARRIED_MS),
  });
  return report;
}

/**
 * The report that the answer to a follow carries. Its caller is a task, or stands before one, which is done only when this
 * is written. Where there was a report a moment ago, or this one would be too long, it carries none, and a report is due
 * soon, also if nothing has changed: the call may be a repeat of one whose caller wrote nothing.
 */
export function carryFollowed(turn: Turn): StockReport | null {
  const { now, books } = turn;
  const levels = untold(books);
  if (levels.length === 0) return null;
  if (levels.length > MAX_CARRIED || now < books.meta.sent_at + MIN_REPORT_INTERVAL_MS) {
    books.changeMeta({ report_at: Math.min(books.meta.report_at ?? Infinity, soonest(turn)) });
    return null;
  }
  books.changeMeta({ sent_at: now, report_at: now + FOLLOWED_MS });
  return reportOf(now, books, levels);
}

type Untold = [storeId: string, level: Readonly<StoredLevel>];

/** The levels that the projection does not have, as far as is known, in the order in which they changed. */
const untold = ({ meta, levels }: Turn["books"]): Untold[] =>
  [...levels]
    .filter(([, { version }]) => version > meta.acked)
    .sort(([, one], [, other]) => one.version - other.version);

const reportOf = (now: number, { meta }: Turn["books"], levels: Untold[]): StockReport => ({
  productId: meta.product_id,
  epoch: meta.epoch,
  version: levels.at(-1)?.[1].version ?? meta.acked,
  at: now,
  levels: levels.map(([storeId, { on_hand, reserved, version }]) => ({
    ...{ storeId, onHand: on_hand, reserved, version },
  })),
});

/** The projection has everything up to this version. */
export function arrive({ books }: Turn, { epoch, version }: Omit<Arrival, "productId">): void {
  const { meta } = books;
  if (meta.epoch !== epoch) return;
  const acked = Math.max(meta.acked, version);
  books.changeMeta({ acked, report_at: acked >= meta.version ? null : meta.report_at });
}

/** The projection has everything up to `version`. If there is more already, the next report is due soon. */
export function acknowledge(turn: Turn, epoch: number, version: number): void {
  arrive(turn, { epoch, version });
  const { meta } = turn.books;
  if (meta.epoch === epoch && meta.report_at !== null)
    turn.books.changeMeta({ report_at: Math.min(meta.report_at, soonest(turn)) });
}

/** Up to where the projection has everything, when these levels were seen in it. What is missing may be on its way. */
export function arrivalOf({ books }: Turn, projected: ProjectedLevel[]): Arrival {
  const { product_id: productId, epoch, version } = books.meta;
  const known = new Map(
    projected.filter((level) => level.epoch === epoch).map((level) => [level.storeId, level.version]),
  );
  const missing = untold(books).find(([storeId, level]) => (known.get(storeId) ?? 0) < level.version);
  return { productId, epoch, version: missing ? missing[1].version - 1 : version };
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
