import { afterAll, beforeAll, expect, test } from "vitest";
import { addDays, dateAt, dayOf } from "../../src/platform/day.ts";

/** One formatter for each zone: to make one takes far longer than to ask it, and these days would make 130 000. */
const { DateTimeFormat } = Intl;
beforeAll(() => {
  const made = new Map<string, Intl.DateTimeFormat>();
  Intl.DateTimeFormat = new Proxy(DateTimeFormat, {
    construct: (_, given) => {
      const key = JSON.stringify(given);
      const one = made.get(key) ?? new DateTimeFormat(...given);
      made.set(key, one);
      return one;
    },
  });
});
afterAll(() => {
  Intl.DateTimeFormat = DateTimeFormat;
});

const HOUR = 3_600_000;
const QUARTER = 900_000;

test.each([
  ["Europe/Berlin", "2026-03-29", 23],
  ["Europe/Berlin", "2026-10-25", 25],
  ["America/New_York", "2026-03-08", 23],
  ["America/New_York", "2026-11-01", 25],
  ["Australia/Lord_Howe", "2026-04-05", 24.5],
  ["Australia/Lord_Howe", "2026-10-04", 23.5],
  ["Asia/Kathmandu", "2026-06-01", 24],
  // Its clocks go forward at midnight: the day begins at one.
  ["Asia/Beirut", "2026-03-29", 23],
  ["America/Havana", "2026-11-01", 25],
  // Where the date line was crossed a day was left out.
  ["Pacific/Apia", "2011-12-30", 0],
  ["UTC", "2028-02-29", 24],
])("a day in %s, %s, has %d hours", (zone, date, hours) => {
  const { start, end } = dayOf(date, zone);
  expect((end - start) / HOUR).toBe(hours);
});

/** Each day of the months in which clocks change somewhere, and every ninth of the others. */
function ofTheYear(year: number): string[] {
  const days: string[] = [];
  let date = `${year}-01-01`;
  while (date <= `${year + 1}-01-01`) {
    days.push(date);
    date = addDays(date, CLOCKS_CHANGE_IN.has(date.slice(5, 7)) ? 1 : 9);
  }
  return days;
}

const CLOCKS_CHANGE_IN = new Set(["03", "04", "10", "11"]);

test("days follow each other without a gap, each begins on a quarter of an hour, and every moment is in its own", () => {
  const zones = [
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Pacific/Apia",
  ];
  for (const zone of [...zones, "Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Cairo", "Asia/Beirut"]) {
    for (const date of ofTheYear(2026)) {
      const { start, end } = dayOf(date, zone);
      expect([zone, date, start % QUARTER]).toEqual([zone, date, 0]);
      expect([dateAt(start, zone), dateAt(end - 1, zone)]).toEqual([date, date]);
      expect([dateAt(start - 1, zone), dateAt(end, zone)]).toEqual([addDays(date, -1), addDays(date, 1)]);
      expect(dayOf(addDays(date, 1), zone).start).toBe(end);
    }
  }
}, 60_000);
