import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { readMetrics } from "../../../src/ops/metrics/read.ts";
import { testContext } from "../../events/context.ts";
import { order } from "../../orders/ask.ts";
import { noting } from "../../orders/statistics/figures.ts";
import { testClock } from "../../support/clock.ts";
import { basket, givenShop } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import worker from "../../support/worker.ts";
import { goTo } from "../jobs/shop-hours.ts";
import { parseMetrics } from "./parse.ts";

const TOKEN = "a-scraper's-own-token";

interface Scraping {
  settings?: Record<string, unknown>;
  authorization?: string;
}

async function scrape({ settings = {}, authorization }: Scraping = {}) {
  const headers = new Headers(authorization === undefined ? [] : [["Authorization", authorization]]);
  const request = new Request("http://shop.test/metrics", { headers });
  const response = await worker.fetch(request as never, { ...env, ...settings }, createExecutionContext());
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Every sample, as `name{labels}`. */
async function samples(): Promise<Record<string, number>> {
  const { status, text } = await scrape();
  expect(status).toBe(200);
  const families = [...parseMetrics(text)];
  return Object.fromEntries(
    families.flatMap(([name, { samples }]) =>
      [...samples].map(([labels, value]) => [labels === "{}" ? name : `${name}${labels}`, value]),
    ),
  );
}

const NOTHING = {
  'orders_created_total{"status":"placed"}': 0,
  'orders_created_total{"status":"rejected"}': 0,
  'orders{"status":"pending"}': 0,
  'orders{"status":"confirmed"}': 0,
  'orders{"status":"processing"}': 0,
  'orders{"status":"shipped"}': 0,
  'orders{"status":"delivered"}': 0,
  'orders{"status":"returned"}': 0,
  'orders{"status":"cancelled"}': 0,
  'orders{"status":"expired"}': 0,
  'orders{"status":"rejected"}': 0,
  active_orders_total: 0,
  orders_delayed: 0,
  units_sold: 0,
  'products{"state":"healthy"}': 0,
  'products{"state":"low"}': 0,
  'products{"state":"out"}': 0,
  'products{"state":"archived"}': 0,
  low_stock_products_total: 0,
  out_of_stock_products_total: 0,
  work_overdue_seconds: 0,
  dead_letters: 0,
  selling: 1,
  database_limit_bytes: 10_000_000_000,
  'limiter_unavailable_total{"limiter":"orders"}': 0,
  'limiter_unavailable_total{"limiter":"suggestions"}': 0,
  'limiter_unavailable_total{"limiter":"lookups"}': 0,
  'limiter_unavailable_total{"limiter":"registrations"}': 0,
  'limiter_unavailable_total{"limiter":"sign_ins"}': 0,
  'limiter_unavailable_total{"limiter":"webhooks"}': 0,
  'limiter_unavailable_total{"limiter":"requests"}': 0,
};

describe("the metrics", () => {
  test("of a shop where nothing happened are all there is, at 0, in the format's own type", async () => {
    const { database_bytes, ...found } = await samples();
    expect(found).toEqual(NOTHING);
    expect(database_bytes).toBeGreaterThan(0);
    const { headers, text } = await scrape();
    expect(headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(headers.get("Cache-Control")).toBe("no-store");
    const counters = [...parseMetrics(text)].filter(([, { type }]) => type === "counter");
    expect(counters.map(([name]) => name)).toEqual(["orders_created_total", "limiter_unavailable_total"]);
  });

  test("tell of orders, money and work", async () => {
    const { productIds } = await givenShop([[5]]);
    const body = (quantity: number, payment_method: string) =>
      basket({ [productIds[0] ?? ""]: quantity }, { payment_method });
    await order(body(2, "invoice"));
    await order(body(1, "card"));
    await order(body(9, "invoice"));
    await env.DB.prepare(
      `INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, created_at, finished_at)
       SELECT 'w' || value, iif(value < 3, 'email', 'follow'), 'o', '{}', iif(value < 5, 'owed', 'dead'),
         ?1 - 60000 - value * 1000, 1, 0, iif(value < 5, NULL, 0) FROM json_each('[0, 1, 2, 3, 4, 5, 6]')`,
    )
      .bind(testClock.now())
      .run();
    // The orders' own: a mail is done.
    await env.DB.prepare("UPDATE work SET state = 'done', finished_at = 1 WHERE id NOT LIKE 'w_'").run();
    expect(await samples()).toMatchObject({
      'orders_created_total{"status":"placed"}': 2,
      'orders_created_total{"status":"rejected"}': 1,
      'orders{"status":"pending"}': 1,
      'orders{"status":"confirmed"}': 1,
      'orders{"status":"rejected"}': 1,
      active_orders_total: 2,
      'revenue{"currency":"USD"}': 39.98,
      'refunded{"currency":"USD"}': 0,
      units_sold: 2,
      'work_owed{"task":"email"}': 3,
      'work_owed{"task":"follow"}': 2,
      work_overdue_seconds: 4,
      dead_letters: 2,
    });
  });

  test("say when selling is stopped", async () => {
    await env.DB.prepare("INSERT OR REPLACE INTO shop_state VALUES ('selling', 'stopped', 0)").run();
    expect((await samples()).selling).toBe(0);
  });

  test("count products by what is left of them", async () => {
    await givenShop([[50], [3], [0]]);
    await env.DB.prepare(
      `INSERT OR REPLACE INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
       SELECT p.id, s.id, n.units, 0, n.units, 1, 1, 1 FROM stores AS s, (
         SELECT id, row_number() OVER (ORDER BY sku) AS nth FROM products) AS p
       JOIN (SELECT key + 1 AS nth, value AS units FROM json_each('[50, 3, 0]')) AS n ON n.nth = p.nth`,
    ).run();
    expect(await samples()).toMatchObject({
      'products{"state":"healthy"}': 1,
      'products{"state":"low"}': 1,
      'products{"state":"out"}': 1,
      low_stock_products_total: 1,
      out_of_stock_products_total: 1,
    });
  });
});

describe("who may read them", () => {
  const PRODUCTION = { ENVIRONMENT: "production", MAIL_FROM: "Shop <orders@shop.example>" };

  test("whoever has METRICS_TOKEN, where it is set, and nobody else", async () => {
    for (const settings of [{ METRICS_TOKEN: TOKEN }, { ...PRODUCTION, METRICS_TOKEN: TOKEN }]) {
      for (const authorization of [`Bearer ${TOKEN}`, `bearer  ${TOKEN} `]) {
        expect((await scrape({ settings, authorization })).status).toBe(200);
      }
      const admin = (await signIn("admin")).headers.Authorization;
      const wrong = [
        undefined,
        "",
        TOKEN,
        `Basic ${TOKEN}`,
        "Bearer ",
        `Bearer ${TOKEN}x`,
        `Bearer ${TOKEN} x`,
        admin,
      ];
      for (const authorization of wrong) {
        const { status, headers, text } = await scrape({
          settings,
          ...(authorization === undefined ? {} : { authorization }),
        });
        expect([authorization, status, headers.get("WWW-Authenticate")]).toEqual([
          authorization,
          401,
          "Bearer",
        ]);
        expect(JSON.parse(text)).toMatchObject({ status: 401, code: "unauthenticated" });
        expect(text).not.toContain(TOKEN);
      }
    }
  });

  test("nobody in production where none is set: an empty one is none", async () => {
    for (const given of [{}, { METRICS_TOKEN: "" }]) {
      for (const authorization of ["Bearer ", "Bearer undefined"]) {
        const { status, text } = await scrape({ settings: { ...PRODUCTION, ...given }, authorization });
        expect([status, JSON.parse(text).code]).toEqual([403, "forbidden"]);
      }
    }
  });

  test("what is refused asks D1 nothing", async () => {
    const DB = {
      prepare: () => {
        throw new Error("was asked");
      },
    };
    expect((await scrape({ settings: { METRICS_TOKEN: TOKEN, DB } })).status).toBe(401);
  });
});

describe("what a scrape reads", () => {
  const CROWDS = [
    [0, 500],
    [500, 5_000],
  ] as const;

  test("does not depend on how much is stored", async () => {
    goTo("2027-03-20T10:00:00Z");
    const costs: number[] = [];
    for (const [from, to] of CROWDS) {
      await crowd(from, to);
      let read = 0;
      const batch = async (all: D1PreparedStatement[]) => {
        const results = await env.DB.batch(all);
        read += results.reduce((sum, { meta }) => sum + meta.rows_read, 0);
        return results;
      };
      const DB = { prepare: (sql: string) => env.DB.prepare(sql), batch } as unknown as D1Database;
      await readMetrics(testContext({ env: { ...env, DB } }));
      costs.push(read);
    }
    expect(costs[1]).toBe(costs[0]);
    expect(costs[0]).toBeLessThan(100);
  });

  test("is found by an index each time, and what piles up is counted no further than 10,000", async () => {
    await env.DB.prepare(
      `INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, created_at, finished_at)
       WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 20001)
       SELECT 'w' || i, 'email', 'o', '{}', iif(i % 2, 'owed', 'dead'), i, 1, 0, 0 FROM n`,
    ).run();
    const sampled = await samples();
    expect([sampled['work_owed{"task":"email"}'], sampled.dead_letters]).toEqual([10_000, 10_000]);

    const seen: string[] = [];
    await readMetrics(testContext({ env: { ...env, DB: noting(seen) } }));
    const plans = await Promise.all(
      seen
        .filter((sql) => /\bwork\b|\bcounters\b|\bshop_state\b/.test(sql))
        .map((sql) => {
          const plan = env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`);
          return (/\?1/.test(sql) ? plan.bind("x") : plan).all<{ detail: string }>();
        }),
    );
    const details = plans.flatMap(({ results }) => results.map(({ detail }) => detail));
    expect(details.filter((detail) => /work|counters|shop_state/.test(detail))).toEqual([
      "SCAN work USING INDEX work_due",
      "SEARCH work USING COVERING INDEX work_due",
      "SCAN work USING COVERING INDEX work_dead",
      "SEARCH shop_state USING INDEX sqlite_autoindex_shop_state_1 (key=?)",
      "SEARCH counters USING PRIMARY KEY (name=?)",
    ]);
  });

  /** Orders of one day, and work that is done. */
  const crowd = (from: number, to: number) =>
    env.DB.batch(
      [
        `INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer,
           customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at,
           created_at, updated_at)
         WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})
         SELECT 'ord_' || i, 'R' || i, 'c', 'delivered', 'none', 'card', 'normal', '{}', 'ada@shop.example', 'USD', 5,
           0, 0, 0, 5, 1, 1, 's', t, t, t FROM (SELECT i, ${Date.parse("2027-03-19T12:00:00Z")} AS t FROM n)`,
        `INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, created_at, finished_at)
         SELECT 'wrk_' || id, 'email', id, '{}', 'done', 0, 1, 0, 0 FROM orders WHERE true ON CONFLICT DO NOTHING`,
      ].map((sql) => env.DB.prepare(sql)),
    );
});
