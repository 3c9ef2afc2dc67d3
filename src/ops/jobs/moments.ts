import { Cron } from "croner";

/** When a job is due: the moments that a rule names in a time zone. Stamps are milliseconds. */
export interface Moments {
  /** The first moment after `stamp`; null when the rule names none any more. */
  after(stamp: number): number | null;
  /** The last moment up to `stamp`, itself included; null when there was none. */
  upTo(stamp: number): number | null;
}

/**
 * Reads a cron rule of five fields. A time of day that the clocks skip comes when they have been put forward, and one
 * that they show twice comes at its first, so a daily rule has one moment on each day of the year. A rule that names
 * no hour (`*`, steps) counts real minutes and takes no notice of either.
 * @param timeZone IANA
 * @throws when it is no rule: stored ones were checked by `isRule`
 */
export function readRule(rule: string, timeZone: string): Moments {
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

/** Five fields that are read, and that come true some day: the 30th of February is no rule. No nicknames. */
export function isRule(text: string, now: number): boolean {
  if (text.trim().split(/\s+/).length !== 5) return false;
  try {
    return readRule(text, "UTC").after(now) !== null;
  } catch {
    return false;
  }
}
