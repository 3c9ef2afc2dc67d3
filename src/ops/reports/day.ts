/** A day in a time zone, from its first instant up to the next day's; milliseconds. */
export interface Day {
  start: number;
  end: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The date that a clock in the time zone shows, YYYY-MM-DD. @param timeZone IANA */
export function dateAt(stamp: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en", {
    timeZone,
    calendar: "iso8601",
    numberingSystem: "latn",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).formatToParts(stamp);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
}

/** A date some days later, or earlier. */
export const addDays = (date: string, days: number): string =>
  new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10);

/** A day of 23, 24 or 25 hours, or whatever the clocks there make of it; one that was left out is empty. */
export const dayOf = (date: string, timeZone: string): Day => ({
  start: startOf(date, timeZone),
  end: startOf(addDays(date, 1), timeZone),
});

/**
 * The first instant that has this date or a later one, found by halves: dates never go back, and no zone is further
 * than 14 hours from UTC. To the second, as clocks are changed.
 */
function startOf(date: string, timeZone: string): number {
  let before = Date.parse(date) - 16 * HOUR_MS;
  let after = Date.parse(date) + 40 * HOUR_MS;
  while (after - before > 1_000) {
    const middle = before + Math.floor((after - before) / 2_000) * 1_000;
    if (dateAt(middle, timeZone) >= date) after = middle;
    else before = middle;
  }
  return after;
}
