import { env, exports } from "cloudflare:workers";
import { expect, test } from "vitest";
import { restoreShop } from "../../src/cli/restore-shop.ts";
import { runTasks, type TaskHandlers } from "../../src/events/run-tasks.ts";
import { stockOf } from "../../src/inventory/client.ts";
import { FOLLOWS, readTables } from "../../src/ops/backup/tables.ts";
import { expireUnpaid } from "../../src/orders/steps/expire.ts";
import { settlePaymentEvent } from "../../src/payments/tasks.ts";
import { testContext } from "../events/context.ts";
import { tellStandard } from "../payments/tell.ts";
import { testClock } from "../support/clock.ts";
import { basket, get, givenShop, placed, post } from "../support/shop.ts";
import { givenAdmin, quiet, saved } from "./shop-backup.ts";

/** What changes while a backup is made comes into it with all that it names, and with the key under which it was done. */

const MINUTE = 60_000;

const living = async (): Promise<unknown[]> =>
  (
    await env.DB.prepare(
      "SELECT id FROM orders WHERE status NOT IN ('rejected', 'cancelled', 'expired')",
    ).all()
  ).results;

const onHand = async (productId: string): Promise<number> => (await stockOf(env, productId).levels()).on_hand;

/** Restores a backup in which this happened before the nth call whose path begins so. */
async function restoredWith(path: string, happens: () => Promise<void>, nth = 1): Promise<void> {
  let calls = 0;
  const { api } = await givenAdmin(async (method, called) => {
    if (method === "GET" && called.startsWith(path) && ++calls === nth) await happens();
  });
  const { backup } = await saved(api);
  expect(calls).toBeGreaterThanOrEqual(nth);
  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", left: 0 });
}

const newPear = async () => ({
  ...{ sku: "PEAR", title: "Pear", price: { amount: "1.00", currency: "USD" } },
  category_id: await env.DB.prepare("SELECT category_id FROM products LIMIT 1").first<string>("category_id"),
});

test("every table says how its changes come into a backup, and no other does", async () => {
  const tables = (await readTables(testContext())).map(({ name }) => name);
  expect(tables[0]).toBe("idempotency");
  expect(tables.toSorted()).toEqual(Object.keys(FOLLOWS).toSorted());
});

test.each([
  ["while the tables are read", "/ops/backup/tables/orders", 1],
  ["while the changes are read", "/ops/backup/changes", 1],
  ["before the objects are read", "/ops/backup/stock", 1],
  ["after the objects are read", "/ops/backup/tables/idempotency", 2],
])(
  "a delivery that is booked under a key %s is booked once when it comes again after a restore",
  async (_name, at, nth) => {
    const { productIds, storeIds } = await givenShop([[1]]);
    const [apple = ""] = productIds;
    const { headers } = await givenAdmin();
    const body = { store_id: storeIds[0], type: "receive", quantity: 10, reason: "delivery 7" };
    const receive = () =>
      post(`/inventory/${apple}/adjust`, body, { ...headers, "Idempotency-Key": "delivery-7" });
    await restoredWith(at, async () => expect((await receive()).status).toBe(201), nth);
    expect((await receive()).status).toBe(201);
    expect(await onHand(apple)).toBe(11);
  },
);

test("a return that is made under a key before the objects are read is put back once", async () => {
  const { productIds, storeIds } = await givenShop([[3]]);
  const [apple = ""] = productIds;
  const { headers } = await givenAdmin();
  const order = await placed(await post("/orders", basket({ [apple]: 1 })));
  expect((await post(`/orders/${order.id}/shipments`, {}, headers)).status).toBe(201);
  const items = [{ product_id: apple, quantity: 1, restock: true }];
  const body = { items, store_id: storeIds[0], reason: "r" };
  const giveBack = () =>
    post(`/orders/${order.id}/returns`, body, { ...headers, "Idempotency-Key": "return-7" });
  await restoredWith("/ops/backup/stock", async () => expect((await giveBack()).status).toBe(201));
  expect((await giveBack()).status).toBe(201);
  expect(await onHand(apple)).toBe(3);
});

test("a key whose order was revived by a late payment while a backup was made repeats its order", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const body = basket({ [apple]: 1 }, { payment_method: "card" });
  const order = () => post("/orders", body, { "Idempotency-Key": "a-guest-key-of-this-test" });
  await restoredWith("/ops/backup/tables/orders", async () => {
    const { reference } = await placed(await order());
    testClock.advance(31 * MINUTE);
    await expireUnpaid(testContext());
    await tellStandard({ event_id: "evt_1", reference, status: "success", amount: 1999 });
    const { results } = await env.DB.prepare("SELECT id FROM work WHERE task = 'payment-event'").all<{
      id: string;
    }>();
    const handlers = { "payment-event": settlePaymentEvent } as Partial<TaskHandlers> as TaskHandlers;
    await runTasks(
      testContext(),
      handlers,
      results.map(({ id }) => id),
    );
    expect(await env.DB.prepare("SELECT status FROM orders").first("status")).toBe("confirmed");
  });
  expect(await living()).toHaveLength(1);
  expect((await order()).status).toBe(201);
  expect(await living()).toHaveLength(1);
});

test("a buyer who registers and orders while a backup is made is there after it, with the order", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  await restoredWith("/ops/backup/changes", async () => {
    const eve = { email: "eve@shop.example", password: "correct horse battery" };
    expect((await post("/auth/register", { ...eve, name: "Eve" })).status).toBe(201);
    const { access_token } = await (await post("/auth/token", eve)).json<{ access_token: string }>();
    await placed(await post("/orders", basket({ [apple]: 1 }), { authorization: `Bearer ${access_token}` }));
  });
  const known = "SELECT count(u.id) AS known FROM orders AS o LEFT JOIN users AS u ON u.id = o.user_id";
  expect(await env.DB.prepare(known).first("known")).toBe(1);
});

test("a cart whose order a torn backup has can be ordered again when that order is dead", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const cart = await (await post("/carts")).json<{ id: string; token: string }>();
  const token = { "X-Cart-Token": cart.token };
  const put = await exports.default.fetch(`http://shop.test/api/v1/carts/${cart.id}/items/${apple}`, {
    method: "PUT",
    headers: { "content-type": "application/json", ...token },
    body: JSON.stringify({ quantity: 1 }),
  });
  expect(put.status).toBe(200);
  const customer = { name: "Ada", email: "ada@shop.example" };
  const checkout = async () =>
    (await post(`/carts/${cart.id}/checkout`, { customer, payment_method: "invoice" }, token)).json<{
      id: string;
      access_token: string;
    }>();
  let order = { id: "", access_token: "" };
  await restoredWith("/ops/backup/tables/claims", async () => {
    order = await checkout();
  });
  const cancelled = await post(`/orders/${order.id}/cancel`, {}, { "X-Order-Token": order.access_token });
  expect(cancelled.status).toBe(200);
  expect((await checkout()).id).not.toBe(order.id);
  expect(await living()).toHaveLength(1);
});

test("a category and its product that come while a backup is made are both in it", async () => {
  await givenShop([[1]]);
  const { headers } = await givenAdmin();
  let product = "";
  await restoredWith("/ops/backup/tables/claims", async () => {
    const category = await (await post("/categories", { name: "Pears" }, headers)).json<{ id: string }>();
    const made = await post("/products", { ...(await newPear()), category_id: category.id }, headers);
    product = (await made.json<{ id: string }>()).id;
  });
  expect((await get(`/products/${product}`)).status).toBe(200);
  const listed = await (await get("/products?page_size=50")).json<{ results: { id: string }[] }>();
  expect(listed.results.map(({ id }) => id)).toContain(product);
});

test.each([
  ["a product", "/products", newPear],
  ["a store", "/stores", async () => ({ name: "North", address: "1 Main St", country: "NO" })],
  ["a category", "/categories", async () => ({ name: "Pears" })],
])(
  "the creation of %s under a key while a backup is made is repeated after a restore, and not done twice",
  async (_name, path, body) => {
    await givenShop([[1]]);
    const { headers } = await givenAdmin();
    const given = await body();
    const create = async () => {
      const answer = await post(path, given, { ...headers, "Idempotency-Key": "new-1" });
      return [answer.status, (await answer.json<{ id: string }>()).id];
    };
    let first: unknown[] = [];
    await restoredWith("/ops/backup/tables/orders", async () => {
      first = await create();
    });
    expect([first[0], await create()]).toEqual([201, first]);
  },
);

test("a store that opens while a backup is made is in it with its stock", async () => {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const { headers } = await givenAdmin();
  let store = "";
  await restoredWith("/ops/backup/changes", async () => {
    const opened = await post("/stores", { name: "North", address: "1 Main St", country: "NO" }, headers);
    store = (await opened.json<{ id: string }>()).id;
    const body = { store_id: store, type: "receive", quantity: 7, reason: "opening" };
    expect((await post(`/inventory/${apple}/adjust`, body, headers)).status).toBe(201);
  });
  expect((await get(`/stores/${store}`)).status).toBe(200);
  expect(await onHand(apple)).toBe(8);
});
