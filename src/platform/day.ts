/** A day in a time zone: from its first instant until before the first of the next day; milliseconds. */
export interface Day {
  start: number;
  end: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The date in a time zone, YYYY-MM-DD. @param timeZone IANA */
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

/** A day may have 23 or 25 hours where clocks are changed. A date that the time zone skipped is empty. */
export const dayOf = (date: string, timeZone: string): Day => ({
  start: startOf(date, timeZone),
  end: startOf(addDays(date, 1), timeZone),
});

/**
 * The first instant with this date or a later one, to the second, by binary search. That works because dates never go back.
 * No zone is further than 14 hours from UTC.
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
