import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { countDelayed } from "../../../src/orders/delayed/list.ts";
import { addUpDays } from "../../../src/orders/statistics/add-up.ts";
import { readStatistics } from "../../../src/orders/statistics/read.ts";
import type { StatisticsWire } from "../../../src/orders/statistics/schemas.ts";
import { all } from "../../../src/platform/sql.ts";
import { testContext } from "../../events/context.ts";
import { goTo, HOUR } from "../../ops/jobs/shop-hours.ts";
import { Till, tell } from "../../payments/settle/till.ts";
import { givenCatalog } from "../../support/catalog.ts";
import { testClock } from "../../support/clock.ts";
import { basket, givenShop, post } from "../../support/shop.ts";
import { type SignedIn, signIn } from "../../support/sign-in.ts";
import { planOf } from "../../support/watched-db.ts";
import { answerOf, order, read, refusalOf } from "../ask.ts";
import { staff as staffMember } from "../fulfilment/staff.ts";
import { Trace, traced } from "../traced.ts";
import { expectedFigures, figures, noting } from "./figures.ts";

let staff: SignedIn;
beforeEach(async () => {
  goTo("2027-03-20T10:00:00Z");
  staff = await signIn("staff");
});

const statistics = async (query = ""): Promise<StatisticsWire> => {
  const { status, text } = await read(`/orders/statistics${query}`, staff.headers);
  expect(status).toBe(200);
  return JSON.parse(text);
};

const NONE = {
  pending: 0,
  confirmed: 0,
  processing: 0,
  shipped: 0,
  delivered: 0,
  returned: 0,
  cancelled: 0,
  expired: 0,
  rejected: 0,
};

describe("the statistics", () => {
  test("of a shop that sold nothing are all zeros, and its rates are not known", async () => {
    expect(await statistics()).toEqual({
      from: null,
      to: "2027-03-20T10:15:00.000Z",
      total: 0,
      by_status: NONE,
      last_24h: 0,
      revenue: [],
      refunded: [],
      units_sold: 0,
      completion_rate: null,
      error_rate: null,
      delayed: 0,
      top_products: [],
    });
  });

  test("count orders when they are placed, and sales when they are made", async () => {
    const till = await Till.open(50, 5);
    const [apple = "", pear = ""] = till.productIds;
    const buy = (apples: number, pears: number, payment_method: string) =>
      order(
        basket({ ...(apples && { [apple]: apples }), ...(pears && { [pear]: pears }) }, { payment_method }),
      );
    goTo("2027-03-20T23:50:00Z");
    await buy(2, 1, "invoice");
    const card = (await buy(3, 0, "card")).body;
    await buy(0, 9, "card");
    expect(await statistics()).toMatchObject({
      total: 3,
      by_status: { ...NONE, confirmed: 1, pending: 1, rejected: 1 },
      revenue: [{ amount: "59.97", currency: "USD" }],
      units_sold: 3,
      error_rate: 0.3333,
      completion_rate: 0,
      top_products: [
        { product_id: apple, title: "Product 1", units: 2 },
        { product_id: pear, title: "Product 2", units: 1 },
      ],
    });

    goTo("2027-03-21T00:10:00Z");
    await tell(card);
    await till.drain();
    const first = await statistics("?from=2027-03-20T00:00:00Z&to=2027-03-21T00:00:00Z");
    expect(first).toMatchObject({
      from: "2027-03-20T00:00:00.000Z",
      to: "2027-03-21T00:00:00.000Z",
      total: 3,
      by_status: { ...NONE, confirmed: 2, rejected: 1 },
      units_sold: 3,
    });
    expect(await statistics("?from=2027-03-21T00:00:00Z")).toMatchObject({
      from: "2027-03-21T00:00:00.000Z",
      to: "2027-03-21T00:15:00.000Z",
      total: 0,
      last_24h: 3,
      revenue: [{ amount: "59.97", currency: "USD" }],
      units_sold: 3,
      top_products: [{ product_id: apple, title: "Product 1", units: 3 }],
    });
    expect((await statistics()).top_products).toMatchObject([{ units: 5 }, { units: 1 }]);
    expect(await figures()).toEqual(await expectedFigures());
  });

  test("take off what is cancelled or closed when it is, and tell what goes back beside it", async () => {
    const till = await Till.open(50);
    const [apple = ""] = till.productIds;
    const { act } = await staffMember();
    const four = (payment_method: string) => order(basket({ [apple]: 4 }, { payment_method }));
    const [paid, closed] = [(await four("card")).body, (await four("card")).body];
    await tell(paid);
    await tell(closed);
    await till.drain();
    expect(await statistics()).toMatchObject({
      revenue: [{ amount: "159.92" }],
      refunded: [],
      units_sold: 8,
    });

    goTo("2027-03-22T10:00:00Z");
    expect((await act(paid.id, "cancel")).status).toBe(200);
    await act(closed.id, "shipments", { items: [{ product_id: apple, quantity: 1 }] });
    expect((await act(closed.id, "close")).status).toBe(200);
    await till.drain();
    const today = await statistics("?from=2027-03-22T00:00:00Z");
    expect(today).toMatchObject({
      total: 0,
      revenue: [{ amount: "-139.93", currency: "USD" }],
      refunded: [{ amount: "139.93", currency: "USD" }],
      units_sold: -7,
      top_products: [],
    });
    // What a day sold stays what it was.
    expect(await statistics("?to=2027-03-22T00:00:00Z")).toMatchObject({
      by_status: { ...NONE, cancelled: 1, shipped: 1 },
      revenue: [{ amount: "159.92" }],
      units_sold: 8,
    });
    expect(await statistics()).toMatchObject({
      revenue: [{ amount: "19.99" }],
      refunded: [{ amount: "139.93" }],
      units_sold: 1,
      top_products: [{ units: 1 }],
    });
    expect(await figures()).toEqual(await expectedFigures());
  });

  test("take back what a refund promised when it fails, and count it when it is promised again", async () => {
    const till = await Till.open(5);
    const placed = await till.order();
    await tell(placed);
    await till.drain();
    till.answer = () => ({ kind: "refused", error: "no" });
    const { act } = await staffMember();
    expect((await act(placed.id, "cancel")).status).toBe(200);
    await till.drain();
    expect(await statistics()).toMatchObject({ revenue: [], refunded: [], units_sold: 0 });
    expect(await figures()).toEqual(await expectedFigures());
  });

  test("take nothing off for an order that was never sold", async () => {
    const till = await Till.open(5, 5);
    const [cancelled] = [await till.order(), await till.order()];
    const { act } = await staffMember();
    expect((await act(cancelled.id, "cancel")).status).toBe(200);
    testClock.advance(HOUR);
    await till.expire();
    expect(await statistics()).toMatchObject({
      by_status: { ...NONE, cancelled: 1, expired: 1 },
      revenue: [],
      units_sold: 0,
    });
    expect(await figures()).toEqual(await expectedFigures());
  });

  test("know nothing of an order that was not won", async () => {
    const { productIds } = await givenShop([[5]]);
    const body = basket({ [productIds[0] ?? ""]: 1 });
    const headers = { "Idempotency-Key": "one-key-of-many-twins" };
    const answers = await Promise.all(Array.from({ length: 6 }, () => order(body, headers)));
    expect(new Set(answers.map(({ body: { id } }) => id)).size).toBe(1);
    expect(await statistics()).toMatchObject({ total: 1, units_sold: 1 });
    // Three and three of the four that are left.
    const orders = Array.from({ length: 2 }, () => basket({ [productIds[0] ?? ""]: 3 }));
    const { status, text } = await answerOf(post("/orders/bulk", { orders, mode: "all_or_nothing" }));
    expect([status, JSON.parse(text).created]).toEqual([409, 0]);
    const { by_status, units_sold } = await statistics();
    expect([by_status.confirmed, units_sold]).toEqual([1, 1]);
    expect(await figures()).toEqual(await expectedFigures());
  });

  test("count what a hand makes sold, and takes back", async () => {
    const till = await Till.open(5);
    const placed = await till.order();
    testClock.advance(HOUR);
    const by = (status: string) =>
      env.DB.prepare("UPDATE orders SET status = ?2, status_at = ?3 WHERE id = ?1").bind(
        placed.id,
        status,
        testClock.now(),
      );
    await by("processing").run();
    expect(await statistics("?from=2027-03-20T11:00:00Z")).toMatchObject({ total: 0, units_sold: 1 });
    await by("cancelled").run();
    expect(await statistics()).toMatchObject({
      by_status: { ...NONE, cancelled: 1 },
      revenue: [],
      units_sold: 0,
    });
  });

  test("count as of the last 24 hours what was placed in them, to the quarter of an hour", async () => {
    const { productIds } = await givenShop([[50]]);
    await order(basket({ [productIds[0] ?? ""]: 1 }));
    const later = async (text: string) => {
      goTo(text);
      return (await statistics()).last_24h;
    };
    expect(await later("2027-03-21T09:59:59.999Z")).toBe(1);
    expect(await later("2027-03-21T10:14:59.999Z")).toBe(1);
    expect(await later("2027-03-21T10:15:00Z")).toBe(0);
  });

  test("name of products that sold as many the newer first, and ten of many, added up or not", async () => {
    const { productIds } = await givenShop(Array.from({ length: 12 }, () => [50]));
    for (const id of productIds) await order(basket({ [id]: id === productIds[3] ? 2 : 1 }));
    const rest = productIds
      .filter((id) => id !== productIds[3])
      .sort()
      .reverse();
    const expected = [productIds[3], ...rest.slice(0, 9)];
    const named = async (query = "") =>
      (await statistics(query)).top_products?.map(({ product_id }) => product_id);
    expect(await named()).toEqual(expected);
    expect(await named("?from=2027-03-20T00:00:00Z")).toEqual(expected);
    goTo("2027-03-21T10:00:00Z");
    await addUpDays(testContext());
    expect(await named()).toEqual(expected);
  });

  test("cut a range to quarters of an hour, and answer the range as it was cut", async () => {
    const { productIds } = await givenShop([[50]]);
    const body = basket({ [productIds[0] ?? ""]: 1 });
    for (const at of ["10:14:59.999", "10:15:00.000", "10:29:59.999", "10:30:00.000"]) {
      goTo(`2027-03-20T${at}Z`);
      await order(body);
    }
    const of = async (from: string, to: string) => {
      const day = "2027-03-20T";
      const cut = await statistics(`?from=${day}${from}Z&to=${day}${to}Z`);
      return [cut.from?.slice(11, 16), cut.to.slice(11, 16), cut.total, cut.units_sold];
    };
    expect(await of("10:15:00", "10:30:00")).toEqual(["10:15", "10:30", 2, 2]);
    expect(await of("10:29:00", "10:29:30")).toEqual(["10:15", "10:30", 2, 2]);
    expect(await of("10:14:59.999", "10:30:00.001")).toEqual(["10:00", "10:45", 4, 4]);
    expect(await of("10:30:00", "10:30:00")).toEqual(["10:30", "10:30", 0, 0]);
    const kept = await statistics("?from=2027-03-20T12:15:00%2B02:00&to=2027-03-20T10:30:00Z");
    expect(kept).toMatchObject({ from: "2027-03-20T10:15:00.000Z", total: 2 });
  });

  test("add up over whole days and the quarters at their edges, as over quarters alone", async () => {
    await crowd(0, 300);
    const all = await env.DB.prepare("SELECT created_at, total_items FROM orders").all<{
      created_at: number;
      total_items: number;
    }>();
    for (const [from, to] of [
      ["2027-03-10T00:00:00Z", "2027-03-17T00:00:00Z"],
      ["2027-03-10T22:45:00Z", "2027-03-17T01:15:00Z"],
      ["2027-03-10T22:45:00Z", "2027-03-12T00:00:00Z"],
      ["2027-03-10T22:45:00Z", "2027-03-11T23:45:00Z"],
      ["2027-03-11T00:00:00Z", "2027-03-11T23:45:00Z"],
      ["1970-01-01T00:00:00Z", "2027-03-11T01:00:00Z"],
      ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
    ] as const) {
      const within = all.results.filter(
        ({ created_at }) => created_at >= Date.parse(from) && created_at < Date.parse(to),
      );
      expect([from, to, (await statistics(`?from=${from}&to=${to}`)).total]).toEqual([
        from,
        to,
        within.length,
      ]);
    }
  });

  test("count as delayed what the list of delayed orders has", async () => {
    const { productIds } = await givenShop([[50]]);
    await order(basket({ [productIds[0] ?? ""]: 1 }));
    testClock.advance(HOUR + 1);
    expect((await statistics()).delayed).toBe(1);
    expect((await read("/orders/delayed", staff.headers)).body.count).toBe(1);
  });

  test("take `statistics` for no order's name, and are staff's", async () => {
    const { headers } = await signIn();
    expect((await read("/orders/statistics")).status).toBe(401);
    expect((await read("/orders/statistics", headers)).status).toBe(403);
    for (const query of ["from=yesterday", "to=20.03.2027", "from=", "from=2027-02-30T00:00:00Z"]) {
      expect((await read(`/orders/statistics?${query}`, staff.headers)).status).toBe(400);
    }
    const backwards = "?from=2027-03-21T00:00:00Z&to=2027-03-20T00:00:00Z";
    expect(refusalOf(await read(`/orders/statistics${backwards}`, staff.headers))).toEqual([
      422,
      "invalid_range",
      "to",
    ]);
  });

  test("name no products of a range that is too long to add up", async () => {
    expect((await statistics("?from=2026-03-20T00:00:00Z")).top_products).toEqual([]);
    expect((await statistics("?from=2026-03-19T00:00:00Z")).top_products).toBe(null);
  });
});

/** Orders of the ten days before the 20th, by the minute, of ten products, straight in D1. */
async function crowd(from: number, to: number): Promise<void> {
  const numbers = `WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})`;
  const end = Date.parse("2027-03-20T00:00:00Z");
  await env.DB.batch(
    [
      `INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer,
         customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at,
         created_at, updated_at)
       ${numbers} SELECT 'ord_' || i, 'R' || i, 'clm_' || i, iif(i % 3 = 0, 'pending', 'delivered'), 'none', 'card',
         'normal', '{}', 'ada@shop.example', 'USD', 5, 0, 0, 0, 5, 1, 1, 's', t, t, t
       FROM (SELECT i, ${end} - 1 - (i * 7919 % 864000) * 1000 AS t FROM n)`,
      `INSERT INTO order_items (order_id, product_id, line, sku, title, quantity, unit_price, allocations)
       ${numbers} SELECT 'ord_' || n.i, p.id, 0, 'S', 'T', 1, 5, '[]'
       FROM n JOIN (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM products) AS p ON p.nth = 1 + n.i % 10`,
    ].map((sql) => env.DB.prepare(sql)),
  );
}

describe("what statistics read", () => {
  const QUERIES = [
    "",
    "?from=2027-03-13T10:00:00Z",
    "?from=2027-03-13T10:00:00Z&to=2027-03-19T01:30:00Z",
    "?to=2027-03-19T01:30:00Z",
  ];

  test("does not depend on how many orders there are", async () => {
    await givenCatalog({ products: 10 });
    const costs: number[][] = [];
    for (const [from, to] of [
      [0, 5_000],
      [5_000, 25_000],
    ] as const) {
      await crowd(from, to);
      await addUpDays(testContext());
      const reads: number[] = [];
      for (const query of QUERIES) {
        const { answer, rows } = await traced(
          new Trace(),
          "GET",
          `/orders/statistics${query}`,
          undefined,
          staff.headers,
        );
        expect(answer.body.total).toBeGreaterThan(to / 4);
        reads.push(rows[0]?.read ?? 0);
      }
      costs.push(reads);
    }
    expect(costs[1]).toEqual(costs[0]);
    // Ten days, the quarters of two, and the top ten with their titles.
    for (const reads of costs[0] ?? []) expect(reads).toBeLessThan(600);
  }, 120_000);

  test("is found by an index each time", async () => {
    const seen: string[] = [];
    const context = testContext({ env: { ...env, DB: noting(seen) } });
    await readStatistics(context, { from: undefined, to: undefined });
    await readStatistics(context, { from: testClock.now() - 50 * HOUR, to: undefined });
    await all(context.env.DB, countDelayed(context));
    const plans = new Set<string>();
    for (const sql of new Set(seen)) {
      for (const step of await planOf(sql)) if (/\b(o|f|p|product_figures)\b/.test(step)) plans.add(step);
    }
    expect([...plans].sort()).toEqual([
      "CO-ROUTINE f",
      "SCAN f",
      "SEARCH f USING PRIMARY KEY (span=? AND start>? AND start<?)",
      "SEARCH o USING INDEX orders_delayed (status_at<?)",
      "SEARCH o USING INDEX orders_in_work (status_at<?)",
      "SEARCH p USING INDEX sqlite_autoindex_products_1 (id=?)",
      "SEARCH product_figures USING COVERING INDEX product_figures_top (units>?)",
      "SEARCH product_figures USING PRIMARY KEY (span=? AND start>? AND start<?)",
      "SEARCH product_figures USING PRIMARY KEY (span=? AND start>?)",
    ]);
  });
});
