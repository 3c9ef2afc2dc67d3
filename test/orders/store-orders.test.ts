import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { listStoreOrders } from "../../src/orders/read/list-store.ts";
import { encodeCursor } from "../../src/platform/pagination.ts";
import { testContext } from "../events/context.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { type Cost, planOf, watchedDb } from "../support/watched-db.ts";
import { cancel, order, read } from "./ask.ts";

let staff: SignedIn;
beforeEach(async () => {
  staff = await signIn("staff");
});

const ordersOf = (store: string, query = "", { headers } = staff) =>
  read(`/stores/${store}/orders${query}`, headers);

async function givenOrders() {
  const { productIds, storeIds } = await givenShop([
    [9, 9],
    [9, 9],
  ]);
  const [one = "", other = ""] = productIds;
  const [near = "", far = ""] = storeIds;
  const place = async (quantities: Record<string, number>, more: Record<string, unknown> = {}) => {
    testClock.advance(1_000);
    return (await order(basket(quantities, more))).body;
  };
  const first = await place({ [one]: 1 }, { store_id: near });
  const elsewhere = await place({ [one]: 1 }, { store_id: far });
  // More than either store has: both serve it.
  const split = await place({ [one]: 13, [other]: 1 });
  const refused = await place({ [one]: 99 }, { store_id: near });
  const last = await place({ [other]: 2 }, { store_id: near, payment_method: "card" });
  await cancel(last.id, staff.headers);
  return { near, far, first, elsewhere, split, refused, last };
}

test("a store's orders are those that take stock from it, newest first, whatever became of them", async () => {
  const { near, far, first, elsewhere, split, last } = await givenOrders();
  const { status, body } = await ordersOf(near);
  expect(status).toBe(200);
  expect(body).toMatchObject({ count: 3, page: 1, total_pages: 1, has_next: false, next_cursor: null });
  expect(body.results).toEqual(
    [last, split, first].map(({ id, reference, created_at, total_items, totals }, index) => ({
      ...{ id, reference, created_at, total_items, total: totals.total },
      status: index === 0 ? "cancelled" : "confirmed",
    })),
  );
  expect((await ordersOf(far)).body.results.map(({ id }) => id)).toEqual([split.id, elsewhere.id]);
});

test("they page by cursor and by number, and are the staff's to see", async () => {
  const { near, first, split, last } = await givenOrders();
  const { body } = await ordersOf(near, "?page_size=2");
  expect(body).toMatchObject({ count: 3, has_next: true, results: [{ id: last.id }, { id: split.id }] });
  const next = (await ordersOf(near, `?page_size=2&cursor=${body.next_cursor}`)).body;
  expect(next).toMatchObject({ count: null, has_next: false, results: [{ id: first.id }] });
  expect((await ordersOf(near, "?page_size=2&page=2")).body.results).toEqual(next.results);
  expect((await ordersOf(near, "?cursor=x")).status).toBe(400);
  expect((await ordersOf("sto_nowhere")).status).toBe(404);
  expect((await ordersOf(near, "", await signIn())).status).toBe(403);
  expect((await read(`/stores/${near}/orders`)).status).toBe(401);
});

test("they are found by their key, and cost as much of a thousand orders as of fifty", async () => {
  const { near } = await givenOrders();
  const costs: Cost[] = [];
  for (const [from, to] of [
    [0, 50],
    [50, 1_000],
  ] as const) {
    const numbers = `WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})`;
    await env.DB.batch([
      env.DB.prepare(
        `INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer,
           customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at,
           created_at, updated_at)
         ${numbers} SELECT 'ord_' || printf('%05d', i), 'R' || i, 'clm_' || i, 'confirmed', 'none', 'invoice', 'normal',
           '{}', 'ada@shop.example', 'USD', 5, 0, 0, 0, 5, 1, 1, 's', 0, 0, 0 FROM n`,
      ),
      env.DB.prepare(
        `INSERT INTO order_stores (store_id, order_id) ${numbers} SELECT ?1, 'ord_' || printf('%05d', i) FROM n`,
      ).bind(near),
    ]);
    const { db, cost, queries } = watchedDb();
    const cursor = encodeCursor({ key: 0, id: "ord_00045" });
    const page = await listStoreOrders(testContext({ env: { ...env, DB: db } }), near, {
      ...{ page: 1, page_size: 20, cursor },
    });
    expect(page?.results.map(({ id }) => id)).toEqual(
      Array.from({ length: 20 }, (_, index) => `ord_000${44 - index}`),
    );
    costs.push(cost);
    expect((await Promise.all(queries.map(planOf))).flat()).toEqual([
      "SEARCH s USING PRIMARY KEY (store_id=? AND order_id<?)",
      "SEARCH o USING INDEX sqlite_autoindex_orders_1 (id=?)",
      expect.stringMatching(/^SEARCH stores USING COVERING INDEX/),
    ]);
  }
  expect(costs[1]).toEqual(costs[0]);
  expect(costs[0]?.read).toBeLessThanOrEqual(21 * 2 + 1);
});
