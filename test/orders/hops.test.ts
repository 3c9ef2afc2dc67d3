import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { basket, givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { type Rows, Trace, traced } from "./traced.ts";

/** How often the way to an answer leaves the worker: docs/DESIGN.md §2, counted at the bindings. */

const KEY = { "Idempotency-Key": "a-guest-key-of-hops" };
const LIMITED = { ORDERS_PER_MINUTE: "5" };
const NO_KEY: Record<string, string> = {};

async function givenOrder(products: number, more: Record<string, unknown> = { payment_method: "card" }) {
  const { productIds } = await givenShop(Array.from({ length: products }, () => [5]));
  return { productIds, body: basket(Object.fromEntries(productIds.map((id) => [id, 1])), more) };
}

async function placing(trace: Trace, ...args: [unknown, Record<string, string>?, Record<string, unknown>?]) {
  const done = await traced(trace, "POST", "/orders", ...args);
  await done.rest();
  return done;
}

describe("placing", () => {
  test.each([
    [1, NO_KEY],
    [1, KEY],
    [2, NO_KEY],
    [2, KEY],
    [30, KEY],
  ])("%i products under %j: one call, one round of reserves, one batch", async (products, headers) => {
    const { body } = await givenOrder(products);
    const trace = new Trace();
    const { answer } = await placing(trace, body, headers);
    expect(answer.status).toBe(201);
    const reserves = Array<string>(products).fill("Stock.reserve");
    // All reserves have begun before the first is answered. Nothing comes after: a card's order owes no mail.
    expect(trace.steps).toEqual([
      "> OrderDesk.place",
      "> D1.batch",
      "< D1.batch",
      ...reserves.map((label) => `> ${label}`),
      ...reserves.map((label) => `< ${label}`),
      "> D1.batch",
      "< D1.batch",
      "< OrderDesk.place",
    ]);
  });

  test("a signed-in buyer costs no call more", async () => {
    const { body } = await givenOrder(2);
    const { headers } = await signIn();
    const { calls } = await placing(new Trace(), body, headers);
    expect(calls).toEqual(["OrderDesk.place", "D1.batch", "Stock.reserve", "Stock.reserve", "D1.batch"]);
  });

  test("the limiter is asked once, before a group is formed", async () => {
    const { body } = await givenOrder(2);
    const trace = new Trace();
    const { calls } = await placing(trace, body, KEY, LIMITED);
    expect(calls).toEqual([
      ...["OrderDesk.place", "RateLimiter.fetch"],
      ...["D1.batch", "Stock.reserve", "Stock.reserve", "D1.batch"],
    ]);
    expect(trace.steps.slice(1, 3)).toEqual(["> RateLimiter.fetch", "< RateLimiter.fetch"]);
  });

  test("only the bell is left for after the answer, which does not wait for it", async () => {
    const { body } = await givenOrder(1, { payment_method: "invoice" });
    const trace = new Trace({ at: 4, ending: "stalls" });
    const { answer, rest } = await traced(trace, "POST", "/orders", body);
    expect(answer.status).toBe(201);
    trace.wake();
    await rest();
    expect(trace.calls).toEqual([
      ...["OrderDesk.place", "D1.batch", "Stock.reserve", "D1.batch"],
      "notifications.sendBatch",
    ]);
    expect(trace.steps.at(-1)).toBe("< notifications.sendBatch");
  });

  test("a replay is one call, whatever it repeats", async () => {
    const { body } = await givenOrder(2, { payment_method: "invoice" });
    const placed = await placing(new Trace(), body, KEY);
    const again = await placing(new Trace(), body, KEY);
    expect([again.calls, again.answer.text]).toEqual([["OrderDesk.place", "D1.batch"], placed.answer.text]);

    const other = { "Idempotency-Key": "a-guest-key-of-hops-2" };
    const tooMuch = { ...body, items: body.items.map((item) => ({ ...item, quantity: 9 })) };
    expect((await placing(new Trace(), tooMuch, other)).answer.status).toBe(409);
    for (const sent of [tooMuch, body]) {
      expect((await placing(new Trace(), sent, other)).calls).toEqual(["OrderDesk.place", "D1.batch"]);
    }
  });

  test("a refusal is one call and asks no stock; the unreadable is none", async () => {
    const { body } = await givenOrder(1);
    const unknown = { ...body, items: [...body.items, { product_id: "prd_unknown", quantity: 1 }] };
    expect((await placing(new Trace(), unknown)).calls).toEqual(["OrderDesk.place", "D1.batch"]);
    expect((await placing(new Trace(), { ...body, items: [] }, KEY, LIMITED)).calls).toEqual([]);
    const badToken = { Authorization: "Bearer x.y.z" };
    expect((await placing(new Trace(), body, badToken)).calls).toEqual([]);
  });

  test("a shortfall is as long a way, and lets go after its answer", async () => {
    const { productIds } = await givenShop([[5], [0]]);
    const body = basket(Object.fromEntries(productIds.map((id) => [id, 1])));
    const trace = new Trace();
    const { answer } = await placing(trace, body);
    expect(answer.status).toBe(409);
    expect(trace.calls).toEqual([
      "OrderDesk.place",
      "D1.batch",
      "Stock.reserve",
      "Stock.reserve",
      "D1.batch",
      "Stock.follow",
      "Stock.follow",
    ]);
  });
});

test("reading and history are two calls, cancelling two and the stock's, and one more of a new isolate; listing one", async () => {
  const { body } = await givenOrder(2);
  const { headers } = await signIn();
  const { answer } = await placing(new Trace(), body, headers);
  const path = `/orders/${answer.body.id}`;
  const callsOf = async (method: string, sub: string) => {
    const done = await traced(new Trace(), method, sub, undefined, headers);
    await done.rest();
    return done.calls;
  };
  expect(await callsOf("GET", path)).toEqual(["D1.first", "D1.batch"]);
  expect(await callsOf("GET", `${path}/history`)).toEqual(["D1.first", "D1.batch"]);
  expect(await callsOf("GET", "/orders")).toEqual(["D1.batch"]);
  expect((await callsOf("POST", `${path}/cancel`)).slice(0, 5)).toEqual([
    // The session with it.
    "D1.batch",
    "D1.first",
    "D1.batch",
    "Stock.followAndCarry",
    "Stock.followAndCarry",
  ]);
});

const CROWDS = [
  [0, 5],
  [5, 500],
] as const;

/** So many of everything that placing an order and listing one's own look at or write to. */
async function crowd(from: number, to: number): Promise<void> {
  const numbers = `WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})`;
  await env.DB.batch(
    [
      `INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active,
         attributes, version, created_at, updated_at) SELECT 'prd_' || i, 'C' || i, 'T', '', c.id, 5, 'USD', 10, 1, '{}', 1, 0, 0
       FROM n JOIN (SELECT id FROM categories LIMIT 1) AS c`,
      `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
       SELECT 'prd_' || i, s.id, 9, 0, 9, 0, 0, 0 FROM n JOIN (SELECT id FROM stores LIMIT 1) AS s`,
      `INSERT INTO users (id, email, name, password_hash, role, created_at, updated_at)
       SELECT 'usr_' || i, 'c' || i, 'C', 'none', 'customer', 0, 0 FROM n`,
      `INSERT INTO claims SELECT 'clm_' || i, 'placed', 'ord_' || i, 's', 0 FROM n`,
      `INSERT INTO orders (id, reference, claim_id, user_id, status, payment_status, payment_method, priority, customer,
         customer_email, currency, subtotal, shipping, tax, duty, total, total_items, expires_at, version, stamp,
         status_at, created_at, updated_at)
       SELECT 'ord_' || i, 'R' || i, 'clm_' || i, 'usr_' || i, 'pending', 'awaiting', 'card', 'normal', '{}',
         'ada@shop.example', 'USD', 5, 0, 0, 0, 5, 1, 9e12, 1, 's', 0, 0, 0 FROM n`,
      `INSERT INTO order_items SELECT 'ord_' || i, 'prd_' || i, 0, 'S', 'T', 1, 5, '[]', NULL FROM n`,
      `INSERT INTO order_stores SELECT s.id, 'ord_' || i FROM n JOIN (SELECT id FROM stores LIMIT 1) AS s`,
      `INSERT INTO order_history SELECT 'ord_' || i, 1, NULL, 'pending', 0, 'guest', NULL, NULL, '{}', NULL, NULL FROM n`,
      `INSERT INTO idempotency (scope, key, fingerprint, operation, created_at)
       SELECT 'public', 'another-guest-key-' || i, 'f', 'o' || i, 0 FROM n`,
    ].map((insert) => {
      const [into, ...rest] = insert.split(/ SELECT /);
      return env.DB.prepare(`${into} ${numbers} SELECT ${rest.join(" SELECT ")}`);
    }),
  );
}

test("what D1 reads and writes for an order does not depend on how much it stores", async () => {
  const { productIds, body } = await givenOrder(3, { payment_method: "invoice" });
  const buyer = await signIn();
  // What is made once: the projection's rows, and the sequence of the first event.
  await env.DB.prepare(
    `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
     SELECT p.value, s.id, 5, 0, 5, 0, 0, 0 FROM json_each(?1) AS p, stores AS s`,
  )
    .bind(JSON.stringify(productIds))
    .run();
  await placing(new Trace(), body);

  const costs: { guest: Rows[]; user: Rows[] }[] = [];
  for (const [from, to] of CROWDS) {
    await crowd(from, to);
    const guest = await placing(new Trace(), body, { "Idempotency-Key": `a-guest-key-of-rows-${to}` });
    const user = await placing(new Trace(), body, buyer.headers);
    expect([guest.answer.status, user.answer.status]).toEqual([201, 201]);
    costs.push({ guest: guest.rows, user: user.rows });
  }
  const [few, many] = costs;
  expect(many).toEqual(few);
  const [asked, recorded] = few?.guest ?? [];
  expect(asked?.read).toBeLessThanOrEqual(24);
  expect(asked?.written).toBe(2); // the key and its index
  expect(recorded?.read).toBeLessThanOrEqual(49);
  // 15 for the order and what comes with it, its answer among them, the one word of its customer's name, and its figures: a
  // quarter of an hour, and a day of each of the three products.
  expect(recorded?.written).toBe(15 + 1 + 1 + 3);
});

test("what D1 writes for each step of an order, figures and all", async () => {
  const { body } = await givenOrder(3, { payment_method: "invoice" });
  const { headers } = await signIn("staff");
  const written: Record<string, number> = {};
  const step = async (name: string, path: string, given: unknown): Promise<string> => {
    const done = await traced(new Trace(), "POST", path, given, headers);
    await done.rest();
    expect([name, done.answer.status < 300]).toEqual([name, true]);
    written[name] = done.rows.reduce((sum, rows) => sum + rows.written, 0);
    return done.answer.body.id;
  };
  // The first rows of all: of a quarter, a currency, each product, and their levels in the lists.
  await step("first", "/orders", body);
  const sold = await step("placed, sold at once", "/orders", body);
  const pending = await step("placed, unpaid", "/orders", { ...body, payment_method: "card" });
  await step("cancelled unpaid", `/orders/${pending}/cancel`, {});
  await step("processed", `/orders/${sold}/transitions`, { to: "processing" });
  const items = [{ product_id: body.items[0]?.product_id, quantity: 1 }];
  await step("shipped in part", `/orders/${sold}/shipments`, { items });
  await step("closed", `/orders/${sold}/close`, {});
  await step("delivered", `/orders/${sold}/transitions`, { to: "delivered" });
  await step("cancelled sold", `/orders/${await step("again", "/orders", body)}/cancel`, {});
  // What staff does is written down: who acts, and no more; an entry, and its four indexes.
  const AUDIT = 2 + 5;
  // Of a step, one is its figures, and of one that Stock hears of, one is the mark of its task; these products' lists were told
  // a moment ago; what is sold and taken off is counted in money and by product besides.
  expect(written).toEqual({
    first: 86,
    "placed, sold at once": 20,
    "placed, unpaid": 15,
    "cancelled unpaid": 10 + AUDIT,
    processed: 6 + AUDIT,
    "shipped in part": 11 + AUDIT,
    closed: 17 + AUDIT,
    delivered: 5 + AUDIT,
    again: 20,
    "cancelled sold": 15 + AUDIT,
  });
});

test("what a buyer's own list reads does not depend on how many orders others have", async () => {
  const { body } = await givenOrder(1);
  const { headers } = await signIn();
  await placing(new Trace(), body, headers);
  const queries = [
    "",
    "?status=pending",
    "?customer_email=ada@shop.example",
    "?payment_status=awaiting",
    "?q=ada",
  ];
  const costs: number[][] = [];
  for (const [from, to] of CROWDS) {
    await crowd(from, to);
    const lists = [];
    for (const query of queries)
      lists.push(await traced(new Trace(), "GET", `/orders${query}`, undefined, headers));
    expect(lists.map(({ answer }) => answer.body.count)).toEqual(queries.map(() => 1));
    costs.push(lists.map(({ rows }) => rows[0]?.read ?? 0));
  }
  expect(costs[1]).toEqual(costs[0]);
});
