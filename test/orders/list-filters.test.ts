import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { SCAN_LIMIT_ROWS } from "../../src/platform/read-page.ts";
import { measureRequest } from "../costs/measure.ts";
import { BATCH, EMAIL, type Stored, store } from "../costs/stored.ts";
import { testClock } from "../support/clock.ts";
import { givenShop } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { read } from "./ask.ts";

/** Lists go along one index or merge several ranges of one: what they find is held against SQL that does neither. */

const DAY = 24 * 3_600_000;

let staff: SignedIn;
let owner: SignedIn;
let stored: Stored;
beforeEach(async () => {
  staff = await signIn("staff");
  const { categoryIds, storeIds, productIds } = await givenShop([[5, 5]]);
  owner = await signIn();
  stored = {
    ...{ categoryId: categoryIds[0] ?? "", storeIds: [storeIds[0] ?? "", storeIds[1] ?? ""] },
    ...{ productId: productIds[0] ?? "", userId: owner.id, now: testClock.now() },
  };
});

async function expected(where: string): Promise<string[]> {
  const { results } = await env.DB.prepare(
    `SELECT id FROM orders WHERE ${where} ORDER BY created_at DESC, id DESC`,
  ).all<{ id: string }>();
  return results.map(({ id }) => id);
}

const idsOf = (results: { id: string }[]) => results.map(({ id }) => id);

async function byCursor(query: string, who = staff): Promise<string[]> {
  const found: string[] = [];
  for (let cursor = ""; ; ) {
    const { body } = await read(`/orders?page_size=37&${query}${cursor}`, who.headers);
    found.push(...idsOf(body.results));
    expect(body.has_next).toBe(body.next_cursor !== null);
    if (body.next_cursor === null) return found;
    cursor = `&cursor=${body.next_cursor}`;
  }
}

const STATES: [query: string, where: string][] = [
  ["status=confirmed", "status = 'confirmed'"],
  ["payment_status=paid", "payment_status = 'paid'"],
  ["priority=normal", "priority = 'normal'"],
  ["status=shipped&payment_status=refund_due", "status = 'shipped' AND payment_status = 'refund_due'"],
  ["status=shipped&priority=high", "status = 'shipped' AND priority = 'high'"],
  [
    "status=shipped&payment_status=none&priority=low",
    "status = 'shipped' AND payment_status = 'none' AND priority = 'low'",
  ],
  ["delayed=true", "status IN ('confirmed', 'processing', 'shipped')"],
  ["delayed=true&priority=high", "status IN ('confirmed', 'processing', 'shipped') AND priority = 'high'"],
  ["delayed=true&status=pending", "false"],
];

test("any filters together find what each of them allows, newest first, by cursor and by page", async () => {
  await store(0, 400, "varied", stored);
  await store(400, 450, "bland", stored);
  const half = stored.now - 60 * DAY + 200_000;
  const iso = new Date(half).toISOString();
  const places: [string, string][] = [
    ["", "true"],
    [`from=${iso}`, `created_at >= ${half}`],
    [`to=${iso}`, `created_at <= ${half}`],
    [`customer_email=${EMAIL}`, `customer_email = '${EMAIL}'`],
    [`batch_id=${BATCH}`, `batch_id = '${BATCH}'`],
    [`store_id=${stored.storeIds[0]}`, "reference GLOB 'STORED-V*'"],
    ["q=stored-v0000003", "reference GLOB 'STORED-V0000003*'"],
    ["q=BLAND41", "customer_email GLOB 'bland41*'"],
  ];
  for (const [place, allowed] of places) {
    for (const [state, standing] of [["", "true"], ...STATES]) {
      const query = [place, state].filter(Boolean).join("&");
      const ids = await expected(`(${allowed}) AND (${standing})`);
      expect([query, await byCursor(query)]).toEqual([query, ids]);
      const { body } = await read(`/orders?page_size=7&page=2&${query}`, staff.headers);
      expect([query, body.count, idsOf(body.results)]).toEqual([query, ids.length, ids.slice(7, 14)]);
    }
  }
});

test("places together, and a buyer's own, find what all of them allow", async () => {
  await store(0, 60, "varied", stored);
  await store(60, 70, "bland", stored);
  await env.DB.prepare(
    "UPDATE orders SET batch_id = 'bat_1', customer_email = 'x' WHERE rowid % 3 = 0",
  ).run();
  const inStore = `id IN (SELECT order_id FROM order_stores WHERE store_id = '${stored.storeIds[0]}')`;
  const at = stored.now - 60 * DAY + 20_000;
  const places: [string, string][] = [
    [`store_id=${stored.storeIds[0]}`, inStore],
    [`customer_email=${EMAIL}`, `customer_email = '${EMAIL}'`],
    [`batch_id=${BATCH}`, `batch_id = '${BATCH}'`],
    ["q=stored-v0000003", "reference GLOB 'STORED-V0000003*'"],
    [`from=${new Date(at).toISOString()}`, `created_at >= ${at}`],
    ["priority=normal", "priority = 'normal'"],
    ["delayed=true", "status IN ('confirmed', 'processing', 'shipped')"],
  ];
  for (const [index, [one, allowed]] of places.entries()) {
    for (const [other, besides] of places.slice(index + 1)) {
      const query = `${one}&${other}`;
      expect([query, await byCursor(query)]).toEqual([query, await expected(`${allowed} AND ${besides}`)]);
    }
    const own = await expected(`user_id = '${owner.id}' AND ${allowed}`);
    expect([one, await byCursor(one, owner)]).toEqual([one, own]);
  }
});

test("a text that begins hundreds of orders finds them too, those of an address and of a reference once", async () => {
  await store(0, 700, "varied", stored);
  await env.DB.prepare("UPDATE orders SET customer_email = 'stored' WHERE rowid % 3 = 0").run();
  for (const [state, standing] of [["", "true"], ...STATES]) {
    const ids = await expected(standing ?? "");
    expect([state, await byCursor(`q=Stored&${state}`)]).toEqual([state, ids]);
    const to = stored.now - 60 * DAY + 300_000;
    const until = await expected(`(${standing}) AND created_at <= ${to}`);
    const query = `q=Stored&to=${new Date(to).toISOString()}&${state}`;
    expect([query, await byCursor(query)]).toEqual([query, until]);
  }
});

test("what no index answers is looked for among ten thousand orders a request, and then from there on", async () => {
  await store(0, 9, "varied", stored);
  await env.DB.prepare("UPDATE orders SET priority = 'high'").run();
  const numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10004)";
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer,
         customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at,
         created_at, updated_at)
       ${numbers} SELECT 'ord_1' || printf('%06d', i), 'N' || i, 'c', 'delivered', 'none', 'invoice', 'low', '{}',
         '${EMAIL}', 'USD', 5, 0, 0, 0, 5, 1, 1, 's', ${stored.now}, ${stored.now} - 10004 + i, ${stored.now} FROM n`,
    ),
    env.DB.prepare(`INSERT INTO order_stores ${numbers} SELECT ?1, 'ord_1' || printf('%06d', i) FROM n`).bind(
      stored.storeIds[0],
    ),
  ]);
  const high = await expected("priority = 'high'");
  for (const place of [`customer_email=${EMAIL}`, `store_id=${stored.storeIds[0]}`, "q=ida"]) {
    const first = await measureRequest("GET", `/orders?${place}&priority=high`, undefined, staff.headers);
    const { body } = first.answer;
    expect([place, body.count, body.results, body.has_next]).toEqual([place, null, [], true]);
    // How far it looked is of the same moment: one call, after the one that finds whom a text begins.
    expect([place, first.calls]).toEqual([place, place === "q=ida" ? 2 : 1]);
    // Numbers do not lead further, and end.
    const { body: second } = await read(`/orders?${place}&priority=high&page=2`, staff.headers);
    expect([place, second.results, second.has_next, second.next_cursor]).toEqual([place, [], false, null]);
    const page = first.sent.filter(({ sql }) => sql.includes("json_group_array"));
    expect(page).toHaveLength(1);
    expect(page[0]?.read).toBeLessThanOrEqual(2 * SCAN_LIMIT_ROWS);
    const { body: rest } = await read(
      `/orders?${place}&priority=high&cursor=${body.next_cursor}`,
      staff.headers,
    );
    expect([place, idsOf(rest.results), rest.has_next]).toEqual([place, high, false]);
    // Where what is asked for is near, the page is full long before.
    const { answer, sent } = await measureRequest(
      "GET",
      `/orders?${place}&priority=low`,
      undefined,
      staff.headers,
    );
    expect(answer.body.results).toHaveLength(20);
    // Of those that are paid it reads what was refunded, too.
    expect(sent.find(({ sql }) => sql.includes("json_group_array"))?.read).toBeLessThanOrEqual(120);
  }
}, 120_000);

test("pages far behind are orders too, and past the end are none, however far", async () => {
  await store(0, 400, "varied", stored);
  for (const [state, all] of [
    ["priority=high", await expected("priority = 'high'")],
    ["status=shipped", await expected("status = 'shipped'")],
    ["status=shipped&payment_status=paid", await expected("status = 'shipped' AND payment_status = 'paid'")],
  ] as const) {
    const last = Math.ceil(all.length / 3);
    const { body } = await read(`/orders?${state}&page_size=3&page=${last}`, staff.headers);
    expect([state, idsOf(body.results)]).toEqual([state, all.slice((last - 1) * 3)]);
    const { body: none } = await read(`/orders?${state}&page_size=100&page=1000000`, staff.headers);
    expect([state, none.results, none.has_next]).toEqual([state, [], false]);
  }
});
