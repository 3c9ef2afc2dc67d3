import type { Arrival, ProjectedLevel, StockReport } from "../stock-types.ts";
import type { Books, StoredLevel, Telling } from "./books.ts";
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
  Math.max(now + GATHER_CHANGES_MS, books.telling.sentAt + MIN_REPORT_INTERVAL_MS);

/** Makes a report of what is untold due by then, without a look at what others have written. */
function reportBy({ books }: Turn, at: number): void {
  books.telling.reportAt = Math.min(books.telling.reportAt ?? Infinity, at);
  books.telling.carried = false;
}

/** Counts a change of a level, and makes a report of it due. Returns the level's new version. */
export function countChange(turn: Turn): number {
  reportBy(turn, soonest(turn));
  return turn.books.version + 1;
}

/** What an alarm does about what is untold: it reports it, or looks first what others have written of it. */
export type ReportDue = "none" | "report" | "look";

/** @param at by when it must be due */
export function reportDue({ books }: Turn, at: number): ReportDue {
  const { reportAt, carried } = books.telling;
  if (!isUntold(books) || (reportAt !== null && reportAt > at)) return "none";
  return carried ? "look" : "report";
}

/**
 * The report of what is untold. It is noted as sent, and due again later: only an acknowledgement says that it has arrived,
 * so a send that fails is repeated just as a message that was lost.
 * @param at when it was due
 */
export function takeReport({ now, books }: Turn, at: number): StockReport {
  Object.assign(books.telling, { sentAt: now, reportAt: at + REPORT_AGAIN_MS, carried: false });
  return reportOf(now, books, untold(books).slice(0, MAX_LEVELS));
}

/**
 * The report that the answer to a hold carries; null where there was one a moment ago, or it would be too long. Whoever
 * placed the hold either records its order, and the report with it, or lets go of it, which is a change that is reported.
 * If it does neither, the hold's own question finds what has not arrived.
 * @param before what was known before these holds
 * @param deadline when the holds ask
 */
export function carryReport(turn: Turn, before: Telling, deadline: number): StockReport | null {
  const { now, books } = turn;
  const levels = untold(books);
  if (levels.length > MAX_CARRIED) return null;
  const { telling } = books;
  if (now < telling.sentAt + MIN_REPORT_INTERVAL_MS) {
    // A later hold may carry it. Only where none comes, a report of its own is due.
    telling.reportAt = before.reportAt;
    reportBy(turn, telling.sentAt + 2 * MIN_REPORT_INTERVAL_MS);
    return null;
  }
  const reportAt = Math.min(deadline + HOLD_ASKS_FIRST_MS, now + MAX_CARRIED_MS);
  Object.assign(telling, { sentAt: now, reportAt, carried: true });
  return reportOf(now, books, levels);
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
  if (levels.length > MAX_CARRIED || now < books.telling.sentAt + MIN_REPORT_INTERVAL_MS) {
    reportBy(turn, soonest(turn));
    return null;
  }
  Object.assign(books.telling, { sentAt: now, reportAt: now + FOLLOWED_MS, carried: true });
  return reportOf(now, books, levels);
}

type Untold = [storeId: string, level: Readonly<StoredLevel>];

/** The levels that the projection does not have, as far as is known, in the order in which they changed. */
const untold = ({ telling, levels }: Books): Untold[] =>
  [...levels]
    .filter(([, { version }]) => version > telling.acked)
    .sort(([, one], [, other]) => one.version - other.version);

export const isUntold = (books: Books): boolean => books.version > books.telling.acked;

const reportOf = (now: number, { meta, telling }: Books, levels: Untold[]): StockReport => ({
  productId: meta.product_id,
  epoch: meta.epoch,
  version: levels.at(-1)?.[1].version ?? telling.acked,
  at: now,
  levels: levels.map(([storeId, { on_hand, reserved, version }]) => ({
    ...{ storeId, onHand: on_hand, reserved, version },
  })),
});

/** The projection has everything up to this version. Stores nothing: what is told twice costs the projection no row. */
export function arrive({ books }: Turn, { epoch, version }: Omit<Arrival, "productId">): void {
  if (books.meta.epoch !== epoch) return;
  const { telling } = books;
  telling.acked = Math.max(telling.acked, version);
  if (!isUntold(books)) telling.reportAt = null;
}

/**
 * The projection has everything up to `version`, of which there was a report. If there is more already, the next report is
 * due soon. It is stored, since a report may have had more levels than an answer can carry.
 */
export function acknowledge(turn: Turn, epoch: number, version: number): void {
  const { books } = turn;
  arrive(turn, { epoch, version });
  if (books.meta.epoch !== epoch) return;
  books.changeMeta({ acked: books.telling.acked });
  const { reportAt, carried } = books.telling;
  if (reportAt !== null && !carried) reportBy(turn, soonest(turn));
}

/** Up to where the projection has everything, when these levels were seen in it. What is missing may be on its way. */
export function arrivalOf({ books }: Turn, projected: ProjectedLevel[]): Arrival {
  const { product_id: productId, epoch } = books.meta;
  const known = new Map(
    projected.filter((level) => level.epoch === epoch).map((level) => [level.storeId, level.version]),
  );
  const missing = untold(books).find(([storeId, level]) => (known.get(storeId) ?? 0) < level.version);
  return { productId, epoch, version: missing ? missing[1].version - 1 : books.version };
}

/**
 * Makes a report of all levels due, under a new epoch. The new epoch wins over whatever the projection has, and an
 * acknowledgement of the old one that is still on its way has no effect. @param beyond the projection's highest epoch
 */
export function reportEverything(turn: Turn, beyond: number): void {
  const { books, now } = turn;
  if (books.version === 0) return;
  books.changeMeta({ epoch: Math.max(now, books.meta.epoch + 1, beyond + 1), acked: 0 });
  books.telling.acked = 0;
  reportBy(turn, soonest(turn));
}

/** Makes a look due soon where the object does not know for when its alarm is set. To be called where that may be lost. */
export function lookSoon(turn: Turn): void {
  const { telling } = turn.books;
  if (isUntold(turn.books) && telling.reportAt === null) telling.reportAt = soonest(turn);
}
