import { expect, test } from "vitest";
import { isRule, readSchedule } from "../../../src/ops/jobs/schedule.ts";
import { dayOf } from "../../../src/platform/day.ts";

const HOUR = 3_600_000;

/** The moments of a rule from one instant up to another, as the minute cron meets them. */
function momentsOf(rule: string, timeZone: string, from: string, to: string): string[] {
  const moments = readSchedule(rule, timeZone);
  const found: string[] = [];
  for (
    let at = moments.after(Date.parse(from));
    at !== null && at <= Date.parse(to);
    at = moments.after(at)
  ) {
    found.push(new Date(at).toISOString());
  }
  return found;
}

/** Where the clocks are changed: the date, and its hours. */
const CHANGES: [timeZone: string, date: string, hours: number, why: string][] = [
  ["Europe/Berlin", "2027-03-28", 23, "put forward at two"],
  ["Europe/Berlin", "2026-10-25", 25, "put back at three"],
  ["Europe/Berlin", "2026-11-20", 24, "an ordinary day"],
  ["America/Sao_Paulo", "2018-11-04", 23, "a midnight that does not exist"],
  ["America/Sao_Paulo", "2018-02-17", 25, "put back at midnight, to the day before"],
  ["Australia/Lord_Howe", "2026-10-04", 23.5, "half an hour forward"],
  ["Australia/Lord_Howe", "2026-04-05", 24.5, "half an hour back"],
  ["Asia/Beirut", "2021-03-28", 23, "a midnight that does not exist"],
  ["America/Asuncion", "2023-10-01", 23, "a midnight that does not exist"],
  ["America/Havana", "2026-11-01", 25, "a midnight that comes twice"],
  ["UTC", "2026-11-20", 24, "no clocks to change"],
];

test.each(CHANGES)("%s %s has one midnight, at its first instant, and %d hours: %s", (zone, date, hours) => {
  const day = dayOf(date, zone);
  expect((day.end - day.start) / HOUR).toBe(hours);
  const around = [day.start - 30 * HOUR, day.end + 30 * HOUR].map((at) => new Date(at).toISOString());
  const midnights = momentsOf("0 0 * * *", zone, around[0] ?? "", around[1] ?? "");
  const within = midnights.filter((at) => Date.parse(at) >= day.start && Date.parse(at) < day.end);
  expect(within).toEqual([new Date(day.start).toISOString()]);
  expect(midnights).toContain(new Date(day.end).toISOString());
});

test.each(CHANGES)(
  "%s %s: each minute of its day finds each moment once, looking back and ahead",
  (zone, date) => {
    const day = dayOf(date, zone);
    for (const rule of ["0 0 * * *", "30 2 * * *", "30 0,1,2 * * *"]) {
      const moments = readSchedule(rule, zone);
      let ranFor = day.start - 1;
      const runs: number[] = [];
      for (let now = day.start; now < day.end; now += 60_000) {
        const next = moments.after(ranFor);
        if (next === null || next > now) continue;
        const moment = moments.upTo(now) ?? 0;
        expect(moment).toBeGreaterThan(ranFor);
        runs.push(moment);
        ranFor = moment;
      }
      const wanted = rule === "30 0,1,2 * * *" ? 3 : 1;
      // Times that the clocks skipped together come together, at one moment.
      expect(runs.length).toBeLessThanOrEqual(wanted);
      expect(runs.length).toBeGreaterThanOrEqual(wanted === 3 ? 2 : 1);
      expect(new Set(runs).size).toBe(runs.length);
    }
  },
);

test("a time that the clocks skip comes right after, one that they show twice at its first", () => {
  const berlin = (from: string, to: string) => momentsOf("30 2 * * *", "Europe/Berlin", from, to);
  expect(berlin("2027-03-27T12:00:00Z", "2027-03-29T12:00:00Z")).toEqual([
    "2027-03-28T01:00:00.000Z",
    "2027-03-29T00:30:00.000Z",
  ]);
  expect(berlin("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z")).toEqual([
    "2026-10-25T00:30:00.000Z",
    "2026-10-26T01:30:00.000Z",
  ]);
});

test("each minute is each real minute, also when an hour comes twice", () => {
  expect(
    momentsOf("* * * * *", "Europe/Berlin", "2026-10-24T23:59:59Z", "2026-10-25T02:00:00Z"),
  ).toHaveLength(121);
});

test.each([
  ["* * * * *", true],
  [" 0  7 * * 1-5 ", true],
  ["*/15 8-18 * * mon,fri", true],
  ["0 0 29 2 *", true],
  ["0 0 30 2 *", false],
  ["60 * * * *", false],
  ["* * * *", false],
  ["* * * * * *", false],
  ["0 0 0 * * * *", false],
  ["@daily", false],
  ["", false],
  ["every day at noon", false],
])("%j as a rule: %s", (text, expected) => {
  expect(isRule(text, Date.UTC(2026, 10, 20))).toBe(expected);
});
