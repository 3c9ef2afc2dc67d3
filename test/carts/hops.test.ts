import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { type CartRow, cartOf, getCart, readCart } from "../../src/carts/cart.ts";
import { draftOfCart } from "../../src/carts/checkout.ts";
import { mergeCart } from "../../src/carts/merge.ts";
import { putItems } from "../../src/carts/put-items.ts";
import { cleanUp } from "../../src/ops/jobs/clean-up.ts";
import { sha256 } from "../../src/platform/ids.ts";
import { prepare } from "../../src/platform/sql.ts";
import { testContext } from "../events/context.ts";
import { type Rows, Trace, traced } from "../orders/traced.ts";
import { givenCatalog } from "../support/catalog.ts";
import { givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { ask, BUYER, type GivenCart, givenCart, ordersOf, rows } from "./shopping.ts";

/** How often a cart's requests leave the worker, and what they read: counted at the bindings, as for orders. */

let productIds: string[];
let cart: GivenCart;
beforeEach(async () => {
  productIds = (await givenShop(Array.from({ length: 30 }, () => [900]))).productIds;
  const [apple = "", pear = ""] = productIds;
  cart = await givenCart({ [apple]: 1, [pear]: 1 });
});

async function calling(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const trace = new Trace();
  const done = await traced(trace, method, path, body, { ...cart.headers, ...headers });
  await done.rest();
  return { ...done, trace };
}

describe("a checkout", () => {
  test("is the way of an order, and one call before it that reads the cart", async () => {
    const keys: Record<string, string>[] = [{}, { "Idempotency-Key": "a-guest-key-of-hops" }];
    for (const headers of keys) {
      const { trace, answer } = await calling(
        "POST",
        `${cart.path}/checkout`,
        { ...BUYER, payment_method: "card" },
        headers,
      );
      expect(answer.status).toBe(201);
      expect(trace.steps).toEqual([
        "> D1.first",
        "< D1.first",
        "> OrderDesk.place",
        "> D1.batch",
        "< D1.batch",
        "> Stock.reserve",
        "> Stock.reserve",
        "< Stock.reserve",
        "< Stock.reserve",
        "> D1.batch",
        "< D1.batch",
        "< OrderDesk.place",
      ]);
      cart = await givenCart({ [productIds[0] ?? ""]: 1, [productIds[1] ?? ""]: 1 });
    }
  });

  test("that is repeated, refused or not one's own holds nothing, and ends sooner", async () => {
    await calling("POST", `${cart.path}/checkout`, BUYER);
    const ended = ["D1.first", "OrderDesk.place", "D1.batch"];
    expect((await calling("POST", `${cart.path}/checkout`, BUYER)).calls).toEqual(ended);
    const { calls, answer } = await calling("POST", `${cart.path}/checkout`, { ...BUYER, notes: "other" });
    expect([answer.body.code, calls]).toEqual(["cart_spent", ended]);
    const stranger = { "X-Cart-Token": "another" };
    expect((await calling("POST", `${cart.path}/checkout`, BUYER, stranger)).calls).toEqual(["D1.first"]);
  });
});

/** The first write that an isolate sees asks whether the shop is being restored, and each traced one is a first. */
const ASKS = "D1.first";

test("making, reading, changing and listing are one call each", async () => {
  const [apple = ""] = productIds;
  const user = await signIn();
  const callsOf = async (...args: Parameters<typeof calling>) => (await calling(...args)).calls;
  expect(await callsOf("POST", "/carts")).toEqual([ASKS, "D1.run"]);
  expect(await callsOf("GET", cart.path)).toEqual(["D1.first"]);
  expect(await callsOf("PUT", `${cart.path}/items/${apple}`, { quantity: 3 })).toEqual([ASKS, "D1.batch"]);
  expect(await callsOf("PUT", `${cart.path}/items/prd_unknown`, { quantity: 3 })).toEqual([ASKS, "D1.batch"]);
  expect(await callsOf("DELETE", `${cart.path}/items/${apple}`)).toEqual([ASKS, "D1.batch"]);
  expect(await callsOf("GET", "/carts", undefined, user.headers)).toEqual(["D1.batch"]);
});

test("a sign-in with a cart's token is one call more, and none without", async () => {
  const account = { email: "ada@shop.example", password: "analytical engine" };
  await ask("POST", "/auth/register", { ...account, name: "Ada" });
  // From then on the address is known to the account, whose tries alone are asked.
  await ask("POST", "/auth/token", account);
  const bare = await traced(new Trace(), "POST", "/auth/token", account);
  const withCart = await calling("POST", "/auth/token", account);
  expect(withCart.answer.body.cart_id).toBe(cart.id);
  expect(withCart.calls).toEqual([...bare.calls, "D1.batch"]);
});

/** So many carts of guests and of one user, each with items and an order; and so many dead orders of one cart. */
async function crowd(from: number, to: number, own: string, userId: string): Promise<void> {
  const numbers = `WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})`;
  const order = (id: string, cartId: string, status: string) =>
    `INSERT INTO orders (id, reference, claim_id, cart_id, status, payment_status, payment_method, priority, customer,
       customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at,
       created_at, updated_at) ${numbers}
     SELECT '${id}' || i, '${id}' || i, 'clm_${id}' || i, ${cartId}, ${status}, 'none', 'invoice', 'normal', '{}', 'c',
       'USD', 5, 0, 0, 0, 5, 1, 1, 's', 0, 0, 0 FROM n`;
  await env.DB.batch(
    [
      `INSERT INTO carts (id, token_hash, version, stamp, created_at, updated_at)
       ${numbers} SELECT 'crt_g' || i, 'h' || i, 1, 's', 0, 0 FROM n`,
      `INSERT INTO carts (id, user_id, version, stamp, created_at, updated_at)
       ${numbers} SELECT 'crt_u' || i, '${userId}', 1, 's', i, i FROM n`,
      `INSERT INTO cart_items ${numbers} SELECT 'crt_g' || i, p.id, 0, 1, 5, 'USD' FROM n, products AS p`,
      order("g", "'crt_g' || i", "'confirmed'"),
      order("d", `'${own}'`, "CASE i % 3 WHEN 0 THEN 'expired' WHEN 1 THEN 'cancelled' ELSE 'rejected' END"),
      `INSERT INTO idempotency (scope, key, fingerprint, operation, created_at)
       ${numbers} SELECT 'cart:crt_g' || i, '1', 'f', 'o' || i, 0 FROM n`,
    ].map((sql) => env.DB.prepare(sql)),
  );
}

test("what D1 reads for a cart does not depend on how many others there are, nor on its own dead orders", async () => {
  const user = await signIn();
  const [apple = "", pear = ""] = productIds;
  // What is made once: the sequence of the first event, and the levels in the lists.
  await givenCart({ [apple]: 1, [pear]: 1 }).then((first) =>
    ask("POST", `${first.path}/checkout`, BUYER, first.headers),
  );
  const costs: Record<string, Rows[]>[] = [];
  for (const [from, to] of [
    [0, 30],
    [30, 600],
  ] as const) {
    await crowd(from, to, cart.id, user.id);
    const put = await calling("PUT", `${cart.path}/items/${apple}`, { quantity: 2 });
    const list = await calling("GET", "/carts?page_size=5&cursor=WzI5LCJ6Il0", undefined, user.headers);
    const order = await calling("POST", `${cart.path}/checkout`, BUYER);
    expect([put, list, order].map(({ answer }) => answer.status)).toEqual([200, 200, 201]);
    await ask(
      "POST",
      `/orders/${order.answer.body.id}/cancel`,
      {},
      {
        "X-Order-Token": order.answer.body.access_token,
      },
    );
    costs.push({ put: put.rows, list: list.rows, order: order.rows });
  }
  const [few, many] = costs;
  expect(many).toEqual(few);
  expect(few?.put?.[0]?.read).toBeLessThanOrEqual(40);
  expect(few?.put?.[0]?.written).toBeLessThanOrEqual(4);
  // 9 of these are what is sold: its figures, of orders, money and product, and two indexes.
  expect(few?.order?.[1]?.written).toBeLessThanOrEqual(34);
});

test("a cart is read in proportion to its items, however many stores have them", async () => {
  // Without stock of their own, so that no report of an object comes between.
  const [apple = "", pear = ""] = (await givenCatalog({ products: 2 })).productIds;
  cart = await givenCart({ [apple]: 1, [pear]: 1 });
  const reads: unknown[] = [];
  for (const stores of [1, 200]) {
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
       INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
       SELECT p.value, 'sto_' || i, 3, 0, 3, 0, 0, 0 FROM n, json_each(?2) AS p WHERE true ON CONFLICT DO NOTHING`,
    )
      .bind(stores, JSON.stringify([apple, pear]))
      .run();
    const owner = { userId: null, tokenHash: await sha256(cart.token ?? "") };
    const { meta, results } = await prepare(env.DB, readCart(cart.id, owner)).all<CartRow>();
    const free = results.flatMap((row) => cartOf(row).items.map(({ available }) => available));
    reads.push({ free, read: meta.rows_read });
  }
  expect(reads).toEqual([
    { free: [3, 3], read: 9 },
    { free: [600, 600], read: 9 },
  ]);
});

/** What a request asks of D1, each as SQLite would go about it. */
async function plansOf(act: (DB: D1Database) => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const DB = new Proxy(env.DB, {
    get: (db, name) => {
      if (name === "prepare") {
        return (sql: string) => {
          seen.push(sql);
          return db.prepare(sql);
        };
      }
      const value = Reflect.get(db, name);
      return typeof value === "function" ? value.bind(db) : value;
    },
  });
  await act(DB);
  const plans = await Promise.all(
    seen.map(async (sql) => {
      const parameters = Math.max(0, ...[...sql.matchAll(/\?(\d+)/g)].map(([, number]) => Number(number)));
      const plan = env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`);
      const bound = parameters === 0 ? plan : plan.bind(...Array<null>(parameters).fill(null));
      return (await bound.all<{ detail: string }>()).results.map(({ detail }) => detail);
    }),
  );
  return plans.flat();
}

test("every statement finds its rows by an index", async () => {
  const owner = { userId: null, tokenHash: "h" };
  const command = { cartId: cart.id, owner, versions: [1] };
  const plans = await plansOf(async (DB) => {
    const context = testContext({ env: { ...env, DB } });
    await getCart(context, cart.id, owner);
    await putItems(context, command, [
      { product_id: "prd_1", quantity: 1 },
      { product_id: "prd_2", quantity: 0 },
    ]);
    await putItems(context, command, [{ product_id: "prd_1", quantity: 0 }]);
    await draftOfCart(context, cart.id, owner, { input: BUYER as never, key: null, fingerprint: "f" });
    await mergeCart(context, "usr_1", "token");
  });
  // Rows of JSON, and of a subquery that an index fed, are gone through; tables are not.
  const scans = plans.filter((detail) => /^SCAN (?!json_each|t$|\(subquery|living$)/.test(detail));
  expect(scans.filter((detail) => !detail.includes("VIRTUAL TABLE") && !detail.includes("CONSTANT"))).toEqual(
    [],
  );
  expect(
    plans.some((detail) => detail.includes("USING INDEX orders_cart") || detail.includes("orders_cart")),
  ).toBe(true);
  const cleaning = await plansOf((DB) => cleanUp(testContext({ env: { ...env, DB } })));
  expect(cleaning.join("\n")).toContain("carts_guests_untouched (updated_at<?)");
  expect(cleaning.join("\n")).toContain("carts_users_untouched (updated_at<?)");
  expect(cleaning.filter((detail) => /SCAN (carts|cart_items)/.test(detail))).toEqual([]);
  expect(await ordersOf(cart.id)).toEqual([]);
  expect(await rows("SELECT id FROM carts")).toHaveLength(1);
});
