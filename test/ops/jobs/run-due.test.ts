import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { Boundary } from "../../chaos/boundary.ts";
import { sweep } from "../../chaos/stage.ts";
import { owe } from "../../events/rows.ts";
import { testClock } from "../../support/clock.ts";
import { DAY, goTo, HOUR, MINUTE, momentsRun, reportDates, runsOf, tick } from "./shop-hours.ts";

const SWEEPS = ["expire-unpaid", "resolve-delayed", "send-owed"];

beforeEach(() => goTo("2027-03-20T10:00:30Z"));

const namesRun = async (): Promise<string[]> => [...new Set((await runsOf()).map(({ name }) => name))].sort();

describe("a shop's first minute", () => {
  test("runs what comes each minute, and makes up for no midnight before it", async () => {
    await tick();
    expect(await namesRun()).toEqual(SWEEPS);
    expect(await reportDates()).toEqual([]);
    for (const run of await runsOf()) {
      expect(run).toMatchObject({
        scheduled_for: Date.parse("2027-03-20T10:00:00Z"),
        started_at: testClock.now(),
        outcome: "done",
        detail: "nothing to do",
      });
    }
  });

  test("counts: a midnight missed after it is made up for", async () => {
    await tick();
    goTo("2027-03-21T06:00:00Z");
    await tick();
    expect(await momentsRun("daily-report")).toEqual(["2027-03-21T00:00:00.000Z"]);
    expect(await reportDates()).toEqual(["2027-03-20"]);
  });
});

describe("one moment", () => {
  test("is one run, however often the minute is met", async () => {
    goTo("2027-03-20T23:59:30Z");
    await tick();
    goTo("2027-03-21T00:00:10Z");
    await tick();
    await tick();
    testClock.advance(20_000);
    await tick();
    expect(await momentsRun("daily-report")).toEqual(["2027-03-21T00:00:00.000Z"]);
    expect(await momentsRun("send-owed")).toEqual(["2027-03-21T00:00:00.000Z"]);
  });

  test("is one run for many workers at once, at the very first too", async () => {
    await owe({ id: "wrk_a", not_before: testClock.now() });
    await Promise.all(Array.from({ length: 5 }, () => tick()));
    for (const name of SWEEPS) expect(await momentsRun(name)).toHaveLength(1);
    goTo("2027-03-21T00:00:00Z");
    await Promise.all(Array.from({ length: 5 }, () => tick()));
    expect(await momentsRun("daily-report")).toHaveLength(1);
    expect(await reportDates()).toEqual(["2027-03-20"]);
  });
});

test("after an outage of three days each job comes once, and the report of each day", async () => {
  await tick();
  goTo("2027-03-23T10:00:30Z");
  await tick();
  expect(await momentsRun("daily-report")).toEqual(["2027-03-23T00:00:00.000Z"]);
  expect(await momentsRun("low-stock-notice")).toEqual(["2027-03-23T07:00:00.000Z"]);
  expect(await momentsRun("reconcile-stock")).toEqual(["2027-03-23T03:00:00.000Z"]);
  expect(await momentsRun("clean-up")).toEqual(["2027-03-21T04:00:00.000Z"]);
  expect(await reportDates()).toEqual(["2027-03-20", "2027-03-21", "2027-03-22"]);
  const all = (await runsOf()).length;
  await tick();
  expect(await runsOf()).toHaveLength(all);
});

test("an outage of a year brings a month of reports, and none of them twice", async () => {
  await tick();
  testClock.advance(365 * DAY);
  await tick();
  const dates = await reportDates();
  expect([dates.length, dates[0], dates.at(-1)]).toEqual([31, "2028-02-17", "2028-03-18"]);
  testClock.advance(DAY);
  await tick();
  expect((await reportDates()).slice(-2)).toEqual(["2028-03-18", "2028-03-19"]);
  expect(await reportDates()).toHaveLength(32);
});

describe("in a time zone that changes its clocks", () => {
  test.each([
    ["Europe/Berlin", "2027-03-27T12:00:00Z", ["2027-03-27T23:00", "2027-03-28T22:00", "2027-03-29T22:00"]],
    ["Europe/Berlin", "2026-10-24T12:00:00Z", ["2026-10-24T22:00", "2026-10-25T23:00", "2026-10-26T23:00"]],
    ["Asia/Beirut", "2021-03-27T12:00:00Z", ["2021-03-27T22:00", "2021-03-28T21:00", "2021-03-29T21:00"]],
    ["America/Havana", "2026-10-31T12:00:00Z", ["2026-11-01T04:00", "2026-11-02T05:00", "2026-11-03T05:00"]],
  ])(
    "%s from %s: each day has one midnight and one report",
    async (TIME_ZONE, from, midnights) => {
      goTo(from);
      await tick({ TIME_ZONE });
      // They come each minute in any time zone, and would be most of what the hours cost.
      await env.DB.prepare("UPDATE jobs SET enabled = 0 WHERE name IN (SELECT value FROM json_each(?1))")
        .bind(JSON.stringify(SWEEPS))
        .run();
      for (let hour = 0; hour < 72; hour++) {
        testClock.advance(HOUR);
        await tick({ TIME_ZONE });
      }
      expect(await momentsRun("daily-report")).toEqual(midnights.map((at) => `${at}:00.000Z`));
      expect(new Set(await reportDates()).size).toBe(3);
    },
    60_000,
  );
});

describe("a job that fails", () => {
  /** D1 with one table broken. */
  const without = (pattern: RegExp) => ({
    DB: {
      prepare: (sql: string) => {
        if (pattern.test(sql)) throw new Error("that table is broken");
        return env.DB.prepare(sql);
      },
      batch: (all: D1PreparedStatement[]) => env.DB.batch(all),
    },
  });

  test("is recorded, keeps no other from its run, and comes again at its next moment", async () => {
    await tick(without(/FROM orders INDEXED BY orders_due/));
    expect(await runsOf("expire-unpaid")).toMatchObject([
      { outcome: "failed", detail: "that table is broken" },
    ]);
    expect(await runsOf("send-owed")).toMatchObject([{ outcome: "done" }]);
    testClock.advance(MINUTE);
    await tick();
    expect(await runsOf("expire-unpaid")).toMatchObject([{ outcome: "failed" }, { outcome: "done" }]);
  });

  test("makes up the next day for the report that it owes", async () => {
    await tick();
    goTo("2027-03-21T00:00:00Z");
    await tick(without(/INSERT INTO daily_reports/));
    expect(await runsOf("daily-report")).toMatchObject([{ outcome: "failed" }]);
    expect(await reportDates()).toEqual([]);
    goTo("2027-03-22T00:00:00Z");
    await tick();
    goTo("2027-03-23T00:00:00Z");
    await tick();
    expect(await reportDates()).toEqual(["2027-03-20", "2027-03-21", "2027-03-22"]);
  });
});

describe("a run whose worker died", () => {
  const die = () =>
    env.DB.prepare("UPDATE job_runs SET outcome = 'running', finished_at = NULL, detail = NULL").run();
  const reports = async () =>
    (await runsOf("daily-report")).map(({ scheduled_for, outcome, detail }) => [
      scheduled_for,
      outcome,
      detail,
    ]);

  test("is made up for once, when the worker must be dead, by one of many", async () => {
    goTo("2027-03-20T23:59:30Z");
    await tick();
    goTo("2027-03-21T00:00:00Z");
    const midnight = testClock.now();
    await tick();
    await env.DB.prepare("DELETE FROM daily_reports").run();
    await die();
    goTo("2027-03-21T00:15:00Z");
    await tick();
    expect(await reports()).toEqual([[midnight, "running", null]]);
    testClock.advance(MINUTE);
    await Promise.all(Array.from({ length: 4 }, () => tick()));
    const dead = [midnight, "failed", "its worker died before it ended"];
    expect(await reports()).toEqual([dead, [midnight, "done", "made 2027-03-20"]]);
    expect(await reportDates()).toEqual(["2027-03-20"]);

    await env.DB.prepare("UPDATE job_runs SET outcome = 'running' WHERE outcome = 'done'").run();
    testClock.advance(HOUR);
    await tick();
    expect(await runsOf("daily-report")).toHaveLength(2);
    goTo("2027-03-22T00:00:00Z");
    await tick();
    expect((await reports()).at(-1)).toEqual([midnight + DAY, "done", "made 2027-03-21"]);
  });
});

test("a quiet shop keeps one row for each job, and each row that tells of something", async () => {
  for (let minutes = 0; minutes < 5; minutes++) {
    await tick();
    testClock.advance(MINUTE);
  }
  for (const name of SWEEPS) expect(await momentsRun(name)).toEqual(["2027-03-20T10:04:00.000Z"]);
  await owe({ id: "wrk_a", not_before: testClock.now() });
  await tick();
  testClock.advance(MINUTE);
  await env.DB.prepare("UPDATE work SET state = 'done'").run();
  await tick();
  expect((await runsOf("send-owed")).map(({ detail }) => detail)).toEqual(["rang for 1", "nothing to do"]);
});

test("an idle minute crosses to D1 twelve times", async () => {
  await tick();
  const boundary = new Boundary();
  await sweep(boundary);
  expect(boundary.calls.filter((call) => call.startsWith("D1."))).toHaveLength(12);
});
