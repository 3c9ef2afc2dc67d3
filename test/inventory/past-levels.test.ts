import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { readLevelsAt } from "../../src/inventory/object/levels.ts";
import type { Sql, SqlValue } from "../../src/inventory/object/sql-port.ts";
import type { AdjustType, Level, Levels } from "../../src/inventory/stock-types.ts";
import { api } from "../catalog/api.ts";
import { cancel } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, openStock, placed, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";

const MINUTE = 60_000;

let staff: Record<string, string>;
beforeEach(async () => {
  staff = (await signIn("staff")).headers;
});

const iso = (stamp: number) => new Date(stamp).toISOString();
const levelsAt = async (product: string, at: string | number | null) => {
  const query = at === null ? "" : `?at=${encodeURIComponent(typeof at === "number" ? iso(at) : at)}`;
  return api("GET", `/inventory/${product}/levels${query}`, staff);
};
const numbersAt = async (product: string, at: number) =>
  (await levelsAt(product, at)).body.stores.map(({ on_hand, reserved }: Level) => [on_hand, reserved]);

describe("levels at a past time", () => {
  test("are those that the movements up to then had left, in every store", async () => {
    const start = testClock.now();
    const { productIds, storeIds } = await givenShop([[10]]);
    const [product = ""] = productIds;
    const [near = ""] = storeIds;
    testClock.advance(MINUTE);
    const bought = testClock.now();
    const order = await placed(await post("/orders", basket({ [product]: 3 })));
    testClock.advance(MINUTE);
    const store = (await api("POST", "/stores", staff, { name: "Far", country: "NL" })).body.id;
    const far = testClock.now();
    await openStock(product, [{ store_id: store, quantity: 5 }]);
    testClock.advance(MINUTE);
    const gone = testClock.now();
    await cancel(order.id, staff);
    testClock.advance(MINUTE);

    expect((await levelsAt(product, bought)).body).toEqual({
      ...{ product_id: product, at: iso(bought), on_hand: 10, reserved: 3, available: 7 },
      stores: [{ store_id: near, on_hand: 10, reserved: 3, available: 7 }],
    });
    expect(await numbersAt(product, start)).toEqual([[10, 0]]);
    expect(await numbersAt(product, bought - 1)).toEqual([[10, 0]]);
    expect((await numbersAt(product, far)).sort()).toEqual([
      [10, 3],
      [5, 0],
    ]);
    expect((await numbersAt(product, gone)).sort()).toEqual([
      [10, 0],
      [5, 0],
    ]);
    const nothing = { on_hand: 0, reserved: 0, available: 0, stores: [] };
    expect((await levelsAt(product, start - 1)).body).toEqual({
      ...{ product_id: product, at: iso(start - 1) },
      ...nothing,
    });
    const { holds: _, ...now } = (await api("GET", `/inventory/${product}`, staff)).body;
    for (const at of [null, testClock.now() + 1, "9999-12-31T23:59:59Z"]) {
      expect((await levelsAt(product, at)).body).toEqual({ ...now, at: iso(testClock.now()) });
    }
    expect(await numbersAt(product, Date.parse("0001-01-01T00:00:00Z"))).toEqual([]);
  });

  test("may be asked in any offset, and of nothing that is no time", async () => {
    const { productIds } = await givenShop([[4]]);
    const [product = ""] = productIds;
    const at = testClock.now();
    const berlin = `${iso(at + 2 * 60 * MINUTE).slice(0, -1)}+02:00`;
    expect((await levelsAt(product, berlin)).body).toMatchObject({ at: iso(at), on_hand: 4 });
    for (const wrong of [
      "",
      "yesterday",
      "2026-02-30T00:00:00Z",
      "2026-11-21",
      "1795208645863",
      "' OR 1=1",
      "é",
    ]) {
      const { status, body } = await levelsAt(product, wrong);
      expect([status, body.code, body.errors[0]?.field]).toEqual([400, "invalid_query", "at"]);
    }
    expect((await levelsAt("prd_unknown", at)).status).toBe(404);
    expect((await api("GET", `/inventory/${product}/levels`)).status).toBe(401);
    expect((await api("GET", `/inventory/${product}/levels`, (await signIn()).headers)).status).toBe(403);
  });

  test("of a product that was never stocked are none, and make no object", async () => {
    const { productIds } = await givenShop([[]]);
    const [product = ""] = productIds;
    expect((await levelsAt(product, null)).body).toMatchObject({ on_hand: 0, stores: [] });
    const object = env.STOCK.get(env.STOCK.idFromName(product));
    const tables = await runInDurableObject(object, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    );
    expect(tables).toEqual([]);
  });
});

const PRODUCT = "prd_1";
const object = () => env.STOCK.get(env.STOCK.idFromName(PRODUCT));

test("are exact at every moment of any ledger, also where stamps are equal or the clock goes back", async () => {
  const step = fc.record({
    store: fc.constantFrom("sto_1", "sto_2", "sto_3"),
    type: fc.constantFrom<AdjustType>("set", "add"),
    quantity: fc.integer({ min: 0, max: 9 }),
    later: fc.constantFrom(0, 0, 1, 5, -3),
  });
  let operations = 0;
  let generation = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      generation += 1;
      await stockOf(env, PRODUCT).empty(PRODUCT, generation);
      await stockOf(env, PRODUCT).load(PRODUCT, { first: true, last: true, rows: [], generation });
      const begin = testClock.now();
      const left = new Map<number, Levels>();
      let last = begin;
      for (const { store, type, quantity, later } of steps) {
        testClock.advance(later);
        last = left.size === 0 ? testClock.now() : Math.max(last, testClock.now());
        operations += 1;
        await stockOf(env, PRODUCT).adjust(PRODUCT, {
          ...{ operation: `op_${operations}`, storeId: store, type, quantity },
          ...{ reason: "count", reference: null, actor: "usr_1" },
        });
        left.set(last, await stockOf(env, PRODUCT).levels());
      }
      let expected: Levels = { on_hand: 0, reserved: 0, available: 0, stores: [] };
      for (let at = begin - 4; at <= last + 1; at++) {
        expected = left.get(at) ?? expected;
        expect(await stockOf(env, PRODUCT).levelsAt(at)).toEqual(expected);
      }
      testClock.advance(1_000);
    }),
    { numRuns: 15, seed: 20_261_121 },
  );
});

test("are read by an index: as many rows of a long ledger as of a short one", async () => {
  await openStock(PRODUCT, [
    { store_id: "sto_1", quantity: 5 },
    { store_id: "sto_2", quantity: 7 },
  ]);
  const begin = testClock.now();
  const rowsRead = (lines: number) =>
    runInDurableObject(object(), (_, { storage }) => {
      storage.sql.exec(
        `INSERT INTO movements (at, type, store_id, quantity, on_hand_before, reserved_before, on_hand_after,
           reserved_after, actor)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         SELECT (SELECT max(at) FROM movements) + i, 'add', 'sto_1', 1, 5, 0, 5, 0, 'usr_1' FROM n`,
        lines,
      );
      const last = storage.sql.exec<{ at: number }>("SELECT max(at) AS at FROM movements").one().at;
      return [begin, Math.floor((begin + last) / 2), last].map((at) => {
        let rows = 0;
        const sql: Sql = {
          all: <T>(query: string, ...parameters: SqlValue[]) => {
            const cursor = storage.sql.exec(query, ...parameters);
            const all = cursor.toArray() as T[];
            rows += cursor.rowsRead;
            return all;
          },
          transact: (work) => work(),
        };
        expect(readLevelsAt(sql, at)).toMatchObject({ on_hand: 12 });
        return rows;
      });
    });
  const few = await rowsRead(10);
  expect(await rowsRead(5_000)).toEqual(few);
  // A level, its place in the index and its movement, for each of two stores.
  expect(Math.max(...few)).toBeLessThanOrEqual(6);
});
