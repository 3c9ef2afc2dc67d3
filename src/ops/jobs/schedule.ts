import { Cron } from "croner";

/** The times at which a job is due, by its rule in a time zone. All times are milliseconds. */
export interface Schedule {
  /** The first time after `stamp`; null when there is none any more. */
  after(stamp: number): number | null;
  /** The last time up to `stamp`, itself included; null when there was none. */
  upTo(stamp: number): number | null;
}

/**
 * Reads a cron rule of five fields. If clocks are put forward over a time of day, that time comes right after; if they show
 * it twice, the first counts. So a daily rule has one time on each day. A rule without a fixed hour (`*`, steps) counts real
 * minutes, whatever the clocks do.
 * @param timeZone IANA
 * @throws when it is no rule; stored rules were checked by `isRule`
 */
export function readSchedule(rule: string, timeZone: string): Schedule {
  const cron = new Cron(rule, {
    mode: "5-part",
    fixedTimeRule: "no-wildcard",
    timezone: timeZone,
    paused: true,
  });
  return {
    after: (stamp) => cron.nextRun(new Date(stamp))?.getTime() ?? null,
    upTo: (stamp) => cron.previousRuns(1, new Date(stamp + 1))[0]?.getTime() ?? null,
  };
}

/** Whether it is a rule of five fields that ever comes true, unlike the 30th of February. Nicknames are none. */
export function isRule(text: string, now: number): boolean {
  if (text.trim().split(/\s+/).length !== 5) return false;
  try {
    return readSchedule(text, "UTC").after(now) !== null;
  } catch {
    return false;
  }
}
