import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { News } from "../../src/claims/news.ts";
import { stockOf } from "../../src/inventory/client.ts";
import { draftOf } from "../../src/orders/place/draft.ts";
import { placeOrders } from "../../src/orders/place/place.ts";
import { placeOrderSchema } from "../../src/orders/schemas.ts";
import { followOrder } from "../../src/orders/steps/tasks.ts";
import { Boundary } from "../chaos/boundary.ts";
import { outcomeOf, send } from "../chaos/stage.ts";
import { testContext } from "../events/context.ts";
import { testClock } from "../support/clock.ts";
import { basket, get, givenShop, placed, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";

/**
 * The lists hear of an order's units by its own batch, and of a step's by the batch that ends its `follow`; the objects of
 * that, and of an order's fate, by their next call, or when a hold asks.
 */

const HOLD_ASKS_AFTER = 60_000 + 10_000;
const HOURS = 3_600_000;

const objectOf = (productId: string) => env.STOCK.get(env.STOCK.idFromName(productId));

/** What the object has not heard of, and in how long it reports it, or its first hold asks. */
const metaOf = async (productId: string) =>
  runInDurableObject(objectOf(productId), async (object) => {
    const { version, acked, due } = await object.audit([]);
    return { untold: version - acked, reportIn: due && due - testClock.now() };
  });

/** What the lists have of a product, by what is on hand. */
const listed = async (productId: string) => {
  const { results } = await env.DB.prepare(
    "SELECT on_hand, reserved, available FROM stock_levels WHERE product_id = ?1 ORDER BY on_hand",
  )
    .bind(productId)
    .all<{ on_hand: number; reserved: number; available: number }>();
  return results;
};

/** What the object has, in the same form. */
const stocked = async (productId: string) =>
  (await stockOf(env, productId).levels()).stores
    .map(({ on_hand, reserved, available }) => ({ on_hand, reserved, available }))
    .sort((one, other) => one.on_hand - other.on_hand);

/** Places an order of these units by a list of drafts, as the desk does. @param from which call to D1 on fails, from 0 */
async function place(quantities: Record<string, number>, news: News, from = Infinity, until = Infinity) {
  let calls = 0;
  const batch = async (statements: D1PreparedStatement[]) => {
    const call = calls++;
    if (call >= from && call < until) throw new Error("planted: D1 is away");
    return env.DB.batch(statements);
  };
  const DB = { prepare: env.DB.prepare.bind(env.DB), batch } as unknown as D1Database;
  const deferred: Promise<unknown>[] = [];
  const context = testContext({ env: { ...env, DB }, defer: (work) => void deferred.push(work) });
  context.settings = { ...context.settings, HOLD_SECONDS: 60 };
  const draft = draftOf(context, placeOrderSchema.parse(basket(quantities)), null);
  const options = { admits: async () => true, together: false, news };
  const [outcome] = await placeOrders(context, [draft], options);
  await Promise.all(deferred);
  return outcome?.kind;
}

test("lists and counts have an order's units when it is answered, and the object reports nothing", async () => {
  const { productIds } = await givenShop([[5, 7]]);
  const [apple = ""] = productIds;
  await placed(await post("/orders", basket({ [apple]: 2 })));
  expect(await listed(apple)).toEqual(await stocked(apple));
  expect((await listed(apple)).reduce((sum, { reserved }) => sum + reserved, 0)).toBe(2);
  const { headers } = await signIn("staff");
  expect(await (await get("/inventory/summary", headers)).json()).toMatchObject({ units: 12 });
  // Only if its hold does not hear before that it has arrived.
  expect(await metaOf(apple)).toEqual({ untold: 3, reportIn: 300_000 });
});

test("a notice of low stock is noted by the order that brings it about", async () => {
  const { productIds } = await givenShop([[12]]);
  const [apple = ""] = productIds;
  await placed(await post("/orders", basket({ [apple]: 1 })));
  const low = () => env.DB.prepare("SELECT product_id, told FROM low_stock").all();
  expect((await low()).results).toEqual([]);
  testClock.advance(3_000);
  await placed(await post("/orders", basket({ [apple]: 9 })));
  expect((await low()).results).toEqual([{ product_id: apple, told: 0 }]);
});

test("the next order's call tells the object what has arrived", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  await placed(await post("/orders", basket({ [apple]: 1 })));
  testClock.advance(3_000);
  await placed(await post("/orders", basket({ [apple]: 1 })));
  expect(await metaOf(apple)).toEqual({ untold: 1, reportIn: 300_000 });
});

test("the next order's call tells which claims were placed, so that their holds need not ask for a while", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const first = await placed(await post("/orders", basket({ [apple]: 1 })));
  const unpaid = await placed(await post("/orders", basket({ [apple]: 1 }, { payment_method: "card" })));
  testClock.advance(3_000);
  const last = await placed(await post("/orders", basket({ [apple]: 1 })));
  const holds = (await stockOf(env, apple).holds()).map((hold) => ({
    order: hold.order_id,
    confirmed: hold.confirmed,
    asksIn: Date.parse(hold.ask_at) - testClock.now(),
  }));
  const minutes = (count: number) => count * 60_000;
  // The last has heard nothing, and asks in an hour here. The first asks an hour after it heard; the unpaid one at its deadline.
  expect(holds.sort((one, other) => (one.order < other.order ? -1 : 1))).toEqual([
    { order: first.id, confirmed: true, asksIn: minutes(60) - 3_000 },
    { order: unpaid.id, confirmed: true, asksIn: minutes(30) - 3_000 },
    { order: last.id, confirmed: false, asksIn: minutes(60) },
  ]);
});

test("what a hold has heard by asking, it is not told again: nothing is written for it", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const news = new News();
  await place({ [apple]: 1 }, news);
  testClock.advance(HOLD_ASKS_AFTER);
  await runDurableObjectAlarm(objectOf(apple));
  const [asked] = await stockOf(env, apple).holds();
  testClock.advance(60_000);
  await place({ [apple]: 1 }, news);
  expect((await stockOf(env, apple).holds()).find(({ claim }) => claim === asked?.claim)).toEqual(asked);
});

test("what was placed before a restore is not told after it", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const news = new News();
  await place({ [apple]: 1 }, news);
  expect(news.take(1, apple)).toEqual({ arrived: null, claims: [] });
  await place({ [apple]: 1 }, news);
  expect(news.take(0, apple).claims).toHaveLength(1);
  expect(news.take(0, apple).claims).toEqual([]);
});

test("of many orders in a moment the last ones are told by one that comes soon, or by a report", async () => {
  const { productIds } = await givenShop([[9]]);
  const [apple = ""] = productIds;
  for (let order = 0; order < 3; order++) {
    await placed(await post("/orders", basket({ [apple]: 1 })));
    testClock.advance(500);
  }
  expect(await listed(apple)).toMatchObject([{ reserved: 1 }]);
  // Four seconds after the first, of which one and a half are over.
  expect(await metaOf(apple)).toEqual({ untold: 2, reportIn: 2_500 });
  testClock.advance(500);
  await placed(await post("/orders", basket({ [apple]: 1 })));
  expect(await listed(apple)).toMatchObject([{ reserved: 4 }]);
});

test("a hold that asks finds that the lists have it", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  await place({ [apple]: 1 }, new News());
  // By then the hold asks; the report were due twenty seconds later.
  expect(await metaOf(apple)).toEqual({ untold: 2, reportIn: HOLD_ASKS_AFTER });
  testClock.advance(HOLD_ASKS_AFTER);
  await runDurableObjectAlarm(objectOf(apple));
  // It asks again an hour later.
  expect(await metaOf(apple)).toEqual({ untold: 0, reportIn: HOURS + 10_000 });
});

test.each([
  ["was lost", 1, 2],
  ["was lost, and nobody could give it up", 1, Infinity],
])("what a batch carried that %s reaches the lists all the same", async (_, from, until) => {
  const { productIds } = await givenShop([[5, 7]]);
  const [apple = ""] = productIds;
  const news = new News();
  // What the object has to tell of the second store, nothing else will tell again.
  expect(await place({ [apple]: 1 }, news, from, until)).toMatch(/^(unavailable|unknown)$/);
  expect(await listed(apple)).toEqual([]);
  testClock.advance(HOLD_ASKS_AFTER);
  await runDurableObjectAlarm(objectOf(apple));
  testClock.advance(60_000);
  expect(await place({ [apple]: 1 }, news)).toBe("decided");
  expect(await listed(apple)).toEqual(await stocked(apple));
});

test("a late payment's hold carries nothing: its object reports by itself", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const request = { claim: "clm_1", orderId: "ord_1", quantity: 1, stores: [], only: false };
  const [outcome] = await stockOf(env, apple).reserve(apple, [request], 60_000);
  expect(outcome).not.toHaveProperty("carried");
  expect(await metaOf(apple)).toEqual({ untold: 2, reportIn: 1_000 });
});

/** An order of one unit, placed three seconds ago and cancelled by a worker whose calls cross this boundary. */
async function cancelled(apple: string, boundary: Boundary) {
  const order = await placed(await post("/orders", basket({ [apple]: 1 })));
  testClock.advance(3_000);
  const sent = send(
    boundary,
    `/orders/${order.id}/cancel`,
    {},
    { "X-Order-Token": order.access_token ?? "" },
  );
  await outcomeOf(sent, boundary);
  boundary.bury();
  await Promise.allSettled(sent.deferred);
  return order;
}

/** What the sweep wakes when a worker has died: the task `follow` of this order. */
const follow = (objectId: string) =>
  followOrder(testContext(), { id: "wrk_1", objectId, payload: {}, attempt: 1 });
const owed = async () =>
  (await env.DB.prepare("SELECT task FROM work WHERE state = 'owed' AND task = 'follow'").all()).results;

test("the lists have what a step frees by the batch that ends its task, and the object reports nothing", async () => {
  const { productIds } = await givenShop([[5, 7]]);
  const [apple = ""] = productIds;
  const boundary = new Boundary();
  await cancelled(apple, boundary);
  expect(boundary.calls.filter((call) => call !== "notifications.sendBatch").slice(-2)).toEqual([
    "Stock.followAndCarry",
    "D1.batch",
  ]);
  expect(await listed(apple)).toEqual(await stocked(apple));
  expect(await owed()).toEqual([]);
  // Later than its alarm, which was set for the hold.
  expect((await metaOf(apple)).reportIn).toBe(25 * HOURS);
});

/** The calls of a cancel: its look, its order, its step, the object, and the batch that writes the lists. */
const LISTS = 4;

test.each([
  ["dies before it writes", "dies before", LISTS],
  ["dies before it knows what to write", "dies after", LISTS - 1],
  ["cannot write", "call fails", LISTS],
] as const)("what a worker is to write that %s, its task writes", async (_, ending, at) => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const order = await cancelled(apple, new Boundary({ at, ending }));
  expect(await listed(apple)).toMatchObject([{ reserved: 1 }]);
  expect(await owed()).toHaveLength(1);
  testClock.advance(60_000);
  expect(await follow(order.id)).toEqual({ kind: "done" });
  expect(await listed(apple)).toEqual(await stocked(apple));
});

test("who dies right after that batch leaves nothing undone", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  await cancelled(apple, new Boundary({ at: LISTS, ending: "dies after" }));
  expect(await owed()).toEqual([]);
  expect(await listed(apple)).toEqual(await stocked(apple));
});

test("a task that comes so soon that its object has just answered the same leaves it to a report", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const order = await cancelled(apple, new Boundary({ at: LISTS, ending: "call fails" }));
  testClock.advance(1_000);
  expect(await follow(order.id)).toEqual({ kind: "done" });
  expect(await metaOf(apple)).toEqual({ untold: 3, reportIn: 1_000 });
});

test("a task whose object cannot be told writes what the others have answered, and is not done", async () => {
  const { productIds } = await givenShop([[5], [5]]);
  const [apple = "", pear = ""] = productIds;
  const order = await placed(await post("/orders", basket({ [apple]: 1, [pear]: 1 })));
  testClock.advance(3_000);
  const headers = { "X-Order-Token": order.access_token ?? "" };
  const boundary = new Boundary({ at: 3, ending: "dies before" });
  await outcomeOf(send(boundary, `/orders/${order.id}/cancel`, {}, headers), boundary);
  boundary.bury();
  const away = new Boundary({ at: 1, ending: "call fails" });
  const task = { id: "wrk_1", objectId: order.id, payload: {}, attempt: 1 };
  expect(await followOrder(testContext({ env: away.watch(env) }), task)).toMatchObject({ kind: "failed" });
  const reserved = [...(await listed(apple)), ...(await listed(pear))].map((level) => level.reserved);
  expect(reserved.sort()).toEqual([0, 1]);
});

test("whoever does not write the lists is told by the object's own report: a repeat of a step", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  await placed(await post("/orders", basket({ [apple]: 1 })));
  testClock.advance(3_000);
  const [{ claim } = { claim: "" }] = await stockOf(env, apple).holds();
  await stockOf(env, apple).follow(apple, [{ claim, version: 2, state: {} }]);
  expect((await metaOf(apple)).reportIn).toBe(1_000);
});
