import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { readFigures } from "../../../src/ops/reports/figures.ts";
import { makeDailyReports } from "../../../src/ops/reports/make.ts";
import { prefixed, systemIds } from "../../../src/platform/ids.ts";
import { Boundary } from "../../chaos/boundary.ts";
import { send } from "../../chaos/stage.ts";
import { testContext } from "../../events/context.ts";
import { askUnder, order, refusalOf } from "../../orders/ask.ts";
import { staff as staffMember } from "../../orders/fulfilment/staff.ts";
import { noting } from "../../orders/statistics/figures.ts";
import { Trace, traced } from "../../orders/traced.ts";
import { MINUTE, rows, Till, tell } from "../../payments/settle/till.ts";
import { givenCatalog } from "../../support/catalog.ts";
import { testClock } from "../../support/clock.ts";
import { basket, givenShop } from "../../support/shop.ts";
import { type SignedIn, signIn } from "../../support/sign-in.ts";
import { planOf } from "../../support/watched-db.ts";
import { goTo, HOUR, reportDates, tick } from "../jobs/shop-hours.ts";

const BERLIN = { TIME_ZONE: "Europe/Berlin" };
const { settings } = testContext();
const inBerlin = testContext({ settings: { ...settings, ...BERLIN } });

let staff: SignedIn;
beforeEach(async () => {
  goTo("2026-10-26T12:00:00Z");
  staff = await signIn("staff");
});

const report = (query = "", given: Record<string, unknown> = BERLIN) =>
  askUnder(given, "GET", `/reports/daily${query}`, undefined, staff.headers);

/** Orders straight in D1: when, how they stand, whose they are, minor units and units. */
async function givenSales(
  ...rows: [at: string, status: string, email: string, total: number, units: number, currency?: string][]
): Promise<void> {
  await env.DB.batch(
    rows.map(([at, status, email, total, units, currency = "EUR"]) => {
      const id = systemIds.next();
      return env.DB.prepare(
        `INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer,
           customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at,
           created_at, updated_at)
         VALUES (?1, ?1, 'c', ?2, 'none', 'invoice', 'normal', '{}', ?3, ?4, ?5, 0, 0, 0, ?5, ?6, 1, 's', ?7, ?7, ?7)`,
      ).bind(prefixed("ord", id), status, email, currency, total, units, Date.parse(at));
    }),
  );
}

/** The 25 hours of 25 October 2026 in Berlin: from 22:00 UTC the day before up to 23:00 UTC. */
const givenADay = () =>
  givenSales(
    ["2026-10-20T10:00:00Z", "delivered", "old@shop.example", 100, 1],
    ["2026-10-24T21:59:59.999Z", "confirmed", "early@shop.example", 9_999, 9],
    ["2026-10-24T22:00:00Z", "delivered", "old@shop.example", 1_000, 2],
    ["2026-10-25T00:30:00Z", "confirmed", "twice@shop.example", 500, 1],
    ["2026-10-25T01:30:00Z", "shipped", "twice@shop.example", 250, 1],
    ["2026-10-25T12:00:00Z", "returned", "new@shop.example", 30, 1, "JPY"],
    ["2026-10-25T12:00:00Z", "pending", "waits@shop.example", 7_000, 7],
    ["2026-10-25T12:00:00Z", "cancelled", "gone@shop.example", 7_000, 7],
    ["2026-10-25T13:00:00Z", "rejected", "short@shop.example", 7_000, 7],
    ["2026-10-25T22:59:59.999Z", "processing", "early@shop.example", 1, 1],
    ["2026-10-25T23:00:00Z", "confirmed", "late@shop.example", 9_999, 9],
  );

const FIGURES = {
  date: "2026-10-25",
  time_zone: "Europe/Berlin",
  from: "2026-10-24T22:00:00.000Z",
  to: "2026-10-25T23:00:00.000Z",
  made_at: "2026-10-26T12:00:00.000Z",
  orders: {
    total: 8,
    by_status: {
      cancelled: 1,
      confirmed: 1,
      delivered: 1,
      pending: 1,
      processing: 1,
      rejected: 1,
      returned: 1,
      shipped: 1,
    },
    per_hour: 0.32,
  },
  revenue: [
    { amount: "17.51", currency: "EUR" },
    { amount: "30", currency: "JPY" },
  ],
  refunded: [],
  units_sold: 6,
  turnover: null,
  completion_rate: 0.25,
  error_rate: 0.125,
  customers: 4,
  repeat_customers: 3,
  inventory: [],
  inventory_as_of: "2026-10-26T12:00:00.000Z",
};

describe("a day's report", () => {
  test("counts the orders of the shop's own day, here one of 25 hours", async () => {
    await givenADay();
    const { status, body } = await report("?date=2026-10-25");
    expect(status).toBe(200);
    expect(body).toEqual(FIGURES);
  });

  test("takes one buyer for one, however the address is written, a guest or signed in", async () => {
    const { productIds } = await givenShop([[50]]);
    const ada = await signIn("customer");
    const [{ email = "" } = {}] = await rows<{ email: string }>(
      "SELECT email FROM users WHERE role = 'customer'",
    );
    const buy = (address: string, headers: Record<string, string> = {}) =>
      order({ ...basket({ [productIds[0] ?? ""]: 1 }), customer: { name: "Ada", email: address } }, headers);
    for (const [address, headers] of [
      [email.toUpperCase()],
      [email, ada.headers],
      ["other@shop.example"],
    ] as const) {
      expect((await buy(address, headers)).status).toBe(201);
    }
    expect((await report()).body).toMatchObject({ customers: 2, repeat_customers: 1, units_sold: 3 });
    goTo("2026-10-27T12:00:00Z");
    await buy("Other@Shop.Example");
    expect((await report()).body).toMatchObject({ customers: 1, repeat_customers: 1 });
  });

  test("of today is what there is so far", async () => {
    await givenADay();
    const { body } = await report();
    expect(body).toMatchObject({
      date: "2026-10-26",
      from: "2026-10-25T23:00:00.000Z",
      to: "2026-10-26T23:00:00.000Z",
      orders: { total: 1, by_status: { confirmed: 1 }, per_hour: 0.08 },
      units_sold: 9,
    });
  });

  test("of a day without orders is all zeros, and its rates are not known", async () => {
    expect((await report("?date=1999-12-31")).body).toMatchObject({
      orders: { total: 0, by_status: {}, per_hour: 0 },
      revenue: [],
      completion_rate: null,
      error_rate: null,
      customers: 0,
      repeat_customers: 0,
    });
  });

  test("tells the inventory of each store, archived products apart", async () => {
    const { productIds, storeIds } = await givenCatalog({ products: 4, stores: 2, lowStockThreshold: 5 });
    const [full, low, out, archived] = productIds;
    const [near, far] = storeIds;
    await env.DB.batch([
      env.DB.prepare("UPDATE products SET active = 0 WHERE id = ?1").bind(archived),
      env.DB.prepare(
        `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, (value ->> 2) - (value ->> 3), 1, 1, 1
         FROM json_each(?1)`,
      ).bind(
        JSON.stringify([
          [full, near, 6, 0],
          [low, near, 9, 4],
          [out, near, 3, 3],
          [archived, near, 0, 0],
        ]),
      ),
    ]);
    const { body } = await report();
    expect(body).toMatchObject({ units_sold: 0, turnover: 0, inventory_as_of: "2026-10-26T12:00:00.000Z" });
    expect(body.inventory).toEqual([
      {
        store_id: near,
        store_name: "Store 1",
        products: 3,
        units: 18,
        available: 11,
        low_stock: 1,
        out_of_stock: 1,
      },
      {
        store_id: far,
        store_name: "Store 2",
        products: 0,
        units: 0,
        available: 0,
        low_stock: 0,
        out_of_stock: 0,
      },
    ]);
  });

  test("has units sold over units on hand, and no inventory when its day is over for more than a day", async () => {
    const { productIds } = await givenShop([[50]]);
    const [apple = ""] = productIds;
    await order(basket({ [apple]: 8 }));
    await env.DB.prepare(
      `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
       SELECT ?1, id, 50, 8, 42, 1, 1, 1 FROM stores WHERE true ON CONFLICT DO UPDATE SET on_hand = 50`,
    )
      .bind(apple)
      .run();
    const [today, day] = [await report(), "?date=2026-10-26"];
    expect(today.body).toMatchObject({ units_sold: 8, turnover: 0.16, inventory: [{ units: 50 }] });
    goTo("2026-10-27T22:59:59.999Z");
    expect((await report(day)).body).toMatchObject({
      units_sold: 8,
      turnover: 0.16,
      inventory: [{ units: 50 }],
    });
    testClock.advance(1);
    expect((await report(day)).body).toMatchObject({
      units_sold: 8,
      turnover: null,
      inventory: null,
      inventory_as_of: null,
    });
  });

  test("counts a sale on the day that it was made, whenever it was placed, and each in one report", async () => {
    const till = await Till.open(50);
    goTo("2026-10-26T22:50:00Z");
    const [early, late] = [await till.order(), await till.order()];
    await tell(early);
    await till.drain();
    testClock.advance(20 * MINUTE);
    expect(await makeDailyReports(inBerlin, null)).toBe("made 2026-10-26");
    await tell(late);
    await till.drain();
    const sold = { revenue: [{ amount: "19.99", currency: "USD" }], units_sold: 1, customers: 1 };
    expect((await report("?date=2026-10-26")).body).toMatchObject({
      ...sold,
      orders: { total: 2, by_status: { confirmed: 1, pending: 1 } },
      repeat_customers: 0,
    });
    expect((await report()).body).toMatchObject({ ...sold, orders: { total: 0 }, repeat_customers: 1 });
  });

  test("takes off what was cancelled or closed on the day, and tells what goes back beside it", async () => {
    const till = await Till.open(50);
    const [apple = ""] = till.productIds;
    const { act } = await staffMember();
    const four = await order(basket({ [apple]: 4 }, { payment_method: "card" }));
    const gone = await order(basket({ [apple]: 2 }));
    await tell(four.body);
    await till.drain();
    await act(four.body.id, "shipments", { items: [{ product_id: apple, quantity: 1 }] });
    await act(four.body.id, "close");
    goTo("2026-10-27T12:00:00Z");
    await act(gone.body.id, "cancel");
    await till.drain();
    const money = (amount: string) => [{ amount, currency: "USD" }];
    expect((await report("?date=2026-10-26")).body).toMatchObject({
      revenue: money("59.97"),
      units_sold: 3,
      // Promised by the close itself.
      refunded: money("59.97"),
    });
    // A dead order's customer bought all the same, the day before.
    expect((await report()).body).toMatchObject({
      revenue: money("-39.98"),
      units_sold: -2,
      refunded: [],
      customers: 0,
    });
  });

  test("reads the day's figures and buyers, however many orders other days had", async () => {
    const costs: number[] = [];
    for (const [from, to] of [
      [0, 200],
      [200, 5_000],
    ] as const) {
      await env.DB.prepare(
        `INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer,
           customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at,
           created_at, updated_at)
         WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1)
         SELECT 'ord_' || i, 'R' || i, 'c', iif(i % 2, 'delivered', 'expired'), 'none', 'card', 'normal', '{}',
           'old@shop.example', 'EUR', 5, 0, 0, 0, 5, 1, 1, 's', t, t, t FROM (SELECT i, ?3 - i * 100000 AS t FROM n)`,
      )
        .bind(from, to, Date.parse("2026-10-24T12:00:00Z"))
        .run();
      if (from === 0) await givenADay();
      const { answer, rows } = await traced(
        new Trace(),
        "GET",
        "/reports/daily?date=2026-10-25",
        undefined,
        staff.headers,
        BERLIN,
      );
      expect(answer.body).toMatchObject({ ...FIGURES, made_at: expect.any(String) });
      costs.push(rows[0]?.read ?? 0);
    }
    expect(costs[1]).toBe(costs[0]);
    expect(costs[0]).toBeLessThan(90);

    const seen: string[] = [];
    await readFigures({ ...inBerlin, env: { ...env, DB: noting(seen) } }, "2026-10-25", testClock.now());
    const buyers = seen.find((sql) => /orders_email/.test(sql));
    const plan = await planOf(buyers ?? "");
    expect(plan.filter((detail) => / o /.test(detail))).toEqual([
      "SEARCH o USING COVERING INDEX orders_state ((status,payment_status,priority,created_at)>(?,?,?,?))",
      "SEARCH o USING INDEX orders_state (status=? AND payment_status=? AND priority=? AND created_at>? AND created_at<?)",
      "SEARCH o USING INDEX orders_sold_later (sold_at>? AND sold_at<?)",
      "SEARCH o USING COVERING INDEX orders_email (customer_email=? AND created_at<?)",
    ]);
  });

  test("once written is given as it was written", async () => {
    await givenADay();
    expect(await makeDailyReports(inBerlin, null)).toBe("made 2026-10-25");
    await env.DB.prepare("UPDATE orders SET status = 'cancelled'").run();
    testClock.advance(HOUR);
    expect((await report("?date=2026-10-25")).body).toEqual(FIGURES);
  });

  test("is written once by many at once", async () => {
    await Promise.all(
      Array.from({ length: 4 }, () => makeDailyReports(inBerlin, Date.parse("2026-10-23T00:00Z"))),
    );
    expect(await reportDates()).toEqual(["2026-10-23", "2026-10-24", "2026-10-25"]);
  });

  test("waits for the orders that were decided on its day and are written after it", async () => {
    const { productIds } = await givenShop([[5]]);
    goTo("2026-10-26T22:59:59.900Z");
    const slow = new Boundary({ at: 2, ending: "stalls" });
    const { answer } = send(slow, "/orders", basket({ [productIds[0] ?? ""]: 1 }), {
      "Idempotency-Key": "a-guest-key-of-midnight",
    });
    await slow.reached;
    goTo("2026-10-26T23:00:00Z");
    const sleep = async (milliseconds: number) => {
      slow.wake();
      await answer;
      testClock.advance(milliseconds);
    };
    const clock = { now: () => testClock.now(), sleep };
    expect(await makeDailyReports({ ...inBerlin, clock }, null)).toBe("made 2026-10-26");
    expect((await report("?date=2026-10-26")).body).toMatchObject({
      made_at: "2026-10-26T23:00:10.000Z",
      orders: { total: 1 },
      units_sold: 1,
    });
  });

  test("is written of no day that is not over by the real clock, whatever time a person runs the job as if at", async () => {
    const runAt = async (at: string) =>
      (await askUnder(BERLIN, "POST", "/jobs/daily-report/run", { at }, staff.headers)).body.detail;
    expect(await runAt("2026-10-27T00:00:00Z")).toBe("made 2026-10-25");
    expect(await runAt("2030-01-01T00:00:00Z")).toBe("nothing to do");
    goTo("2026-10-26T23:00:00Z");
    await tick(BERLIN);
    expect(await makeDailyReports(inBerlin, null)).toBe(null);
    expect(await reportDates()).toEqual(["2026-10-25", "2026-10-26"]);
  });

  test("of a day long ago, run as if then, brings no others", async () => {
    const runAt = async (at: string) =>
      (await askUnder(BERLIN, "POST", "/jobs/daily-report/run", { at }, staff.headers)).body.detail;
    expect(await runAt("2000-01-01T12:00:00Z")).toBe("made 1999-12-31");
    expect(await runAt("2026-10-06T12:00:00Z")).toBe("made 2026-10-05");
    expect(await makeDailyReports(inBerlin, null)).toBe("made 2026-10-25");
    expect((await report("?date=2026-10-05")).body).toMatchObject({
      made_at: "2026-10-26T12:00:00.000Z",
      inventory: null,
    });
    // Those that were made in time show where the job began to run: from there on none is left out.
    goTo("2026-10-29T12:00:00Z");
    expect(await makeDailyReports(inBerlin, null)).toBe("made 2026-10-26, 2026-10-27, 2026-10-28");
  });

  test("of a day to come is refused by the shop's own clock, and what is no date cannot be read", async () => {
    expect(refusalOf(await report("?date=2026-10-27"))).toEqual([422, "future_date", "date"]);
    goTo("2026-10-26T23:00:00Z");
    expect((await report("?date=2026-10-27")).status).toBe(200);
    expect(refusalOf(await report("?date=2026-10-27", {}))).toEqual([422, "future_date", "date"]);
    for (const date of ["2026-02-30", "20261026", "yesterday", "2026-10-26T00:00:00Z", ""]) {
      expect((await report(`?date=${date}`)).status).toBe(400);
    }
  });
});
