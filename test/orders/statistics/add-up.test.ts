import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { addUpDays } from "../../../src/orders/statistics/add-up.ts";
import { readStatistics } from "../../../src/orders/statistics/read.ts";
import { rebuildFigures } from "../../../src/orders/statistics/rebuild.ts";
import { testContext } from "../../events/context.ts";
import { goTo, tick } from "../../ops/jobs/shop-hours.ts";
import { rows, Till } from "../../payments/settle/till.ts";
import { testClock } from "../../support/clock.ts";
import { basket } from "../../support/shop.ts";
import { planOf } from "../../support/watched-db.ts";
import { order } from "../ask.ts";
import { staff } from "../fulfilment/staff.ts";
import { addedUpUntil, expectedFigures, figures, noting } from "./figures.ts";

const DAY = 86_400_000;
const at = (text: string) => Date.parse(text);

beforeEach(() => goTo("2027-03-17T23:50:00Z"));

const RANGES: [from: string | undefined, to: string | undefined][] = [
  [undefined, undefined],
  ["2027-03-17T00:00:00Z", "2027-03-20T00:00:00Z"],
  ["2027-03-17T23:45:00Z", "2027-03-19T00:15:00Z"],
  ["2027-03-18T00:00:00Z", "2027-03-19T00:00:00Z"],
  ["2027-03-18T00:15:00Z", undefined],
  [undefined, "2027-03-18T12:00:00Z"],
];

const read = async () => {
  const all = RANGES.map(([from, to]) =>
    readStatistics(testContext(), {
      from: from === undefined ? from : at(from),
      to: to === undefined ? to : at(to),
    }),
  );
  return (await Promise.all(all)).map((outcome) => {
    if (outcome.kind === "backwards") throw new Error("a range is backwards");
    return outcome.statistics;
  });
};

/** Sales of three days, an hour before and after each midnight; one of the first day is cancelled on the third. */
async function givenThreeDays() {
  const till = await Till.open(...Array<number>(12).fill(50));
  const { act } = await staff();
  const buy = async (units: number[]) => {
    const wanted = units.flatMap((n, index) => (n === 0 ? [] : [[till.productIds[index] ?? "", n]]));
    return (await order(basket(Object.fromEntries(wanted)))).body.id;
  };
  const first = await buy([9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2]);
  for (const units of [
    [0, 3],
    [0, 0, 2],
    [1, 0, 0, 4],
    [0, 0, 0, 0, 5],
  ]) {
    testClock.advance(10 * 3_600_000);
    await buy(units);
  }
  goTo("2027-03-19T23:59:00Z");
  expect((await act(first, "cancel")).status).toBe(200);
  await till.drain();
  return { act, buy };
}

describe("adding up the days", () => {
  test("changes no answer, whichever are added up", async () => {
    await givenThreeDays();
    const before = await read();
    expect(await addedUpUntil()).toBe(0);
    expect(before[0]?.top_products?.map(({ units }) => units)).toEqual([5, 4, 3, 2, 1]);
    expect(await figures()).toEqual(await expectedFigures());

    // Day by day, as the minutes after midnight do it.
    for (const day of ["2027-03-18", "2027-03-19"]) {
      const clock = { ...testClock, now: () => at(day), sleep: async () => {} };
      expect(await addUpDays(testContext({ clock }))).toBe(1);
      expect(await addedUpUntil()).toBe(at(day));
      expect(await figures()).toEqual(await expectedFigures());
      expect(await read()).toEqual(before);
    }
    expect(await addUpDays(testContext())).toBe(0);
  });

  test("is done once by many at once, and again does nothing", async () => {
    await givenThreeDays();
    goTo("2027-03-20T00:00:00Z");
    const before = await read();
    await Promise.all(Array.from({ length: 5 }, () => addUpDays(testContext())));
    expect(await addedUpUntil()).toBe(at("2027-03-20"));
    expect(await figures()).toEqual(await expectedFigures());
    expect(await addUpDays(testContext())).toBe(0);
    expect(await read()).toEqual(before);
  });

  test("is followed by what changes later: an order of such a day, and one that was decided on it", async () => {
    const { act, buy } = await givenThreeDays();
    const late = await buy([1]);
    goTo("2027-03-21T00:00:00Z");
    await addUpDays(testContext());
    expect((await act(late, "transitions", { to: "processing" })).status).toBe(200);
    expect((await act(late, "cancel")).status).toBe(200);
    goTo("2027-03-19T23:59:59Z");
    await buy([0, 7]);
    goTo("2027-03-21T00:00:01Z");
    await buy([0, 0, 1]);
    expect(await figures()).toEqual(await expectedFigures());
    expect((await read())[0]).toMatchObject({
      top_products: [{ units: 10 }, { units: 5 }, { units: 4 }, { units: 3 }, { units: 1 }],
    });
    const lived = await figures();
    await rebuildFigures(testContext(), null);
    expect(await figures()).toEqual(lived);
  });

  test("goes on after a run was cut off, and passes over days without sales", async () => {
    await givenThreeDays();
    goTo("2027-08-01T00:00:00Z");
    const context = testContext();
    let batches = 0;
    const batch = async (all: D1PreparedStatement[]) => {
      if (++batches === 2) throw new Error("planted: the worker died");
      return env.DB.batch(all);
    };
    const DB = { prepare: (sql: string) => env.DB.prepare(sql), batch } as unknown as D1Database;
    await expect(addUpDays({ ...context, env: { ...env, DB } })).rejects.toThrow("planted");
    expect(await addedUpUntil()).toBe(at("2027-03-18"));
    // Two days, and all that are empty at once.
    expect(await addUpDays(context)).toBe(3);
    expect(await addedUpUntil()).toBe(at("2027-08-01"));
    expect(await figures()).toEqual(await expectedFigures());
  });

  test("is the work of the minute after midnight in UTC, and of others a look", async () => {
    await givenThreeDays();
    goTo("2027-03-19T23:59:00Z");
    await tick();
    expect(await addedUpUntil()).toBe(at("2027-03-19"));
    goTo("2027-03-20T00:01:00Z");
    await tick();
    expect(await addedUpUntil()).toBe(at("2027-03-20"));
    const seen: string[] = [];
    await addUpDays(testContext({ env: { ...env, DB: noting(seen) } }));
    expect(seen).toHaveLength(1);
  });

  test("reads by the keys, and a day's rows", async () => {
    await givenThreeDays();
    goTo("2027-03-19T12:00:00Z");
    const seen: string[] = [];
    await addUpDays(testContext({ env: { ...env, DB: noting(seen) } }));
    const details = (await Promise.all(seen.map(planOf))).flat();
    expect(details.filter((detail) => /^SCAN/.test(detail))).toEqual(
      details.filter((detail) => /^SCAN figures_added_up/.test(detail)),
    );
    expect(await rows("SELECT count(*) AS days FROM order_figures WHERE span = 'day'")).toEqual([
      { days: 2 },
    ]);
    expect((at("2027-03-19") - (await addedUpUntil())) % DAY).toBe(0);
  });
});
