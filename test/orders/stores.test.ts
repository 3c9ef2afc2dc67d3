import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { testClock } from "../support/clock.ts";
import { basket, givenShop } from "../support/shop.ts";
import { levels, order, refusalOf } from "./ask.ts";

/** A shop whose projection already knows the levels, as it does a second or two after they changed: the alarm that reports is rung now. */
async function givenKnownShop(stock: number[][]) {
  const shop = await givenShop(stock);
  const pairs = stock.flat().length;
  testClock.advance(5_000);
  await Promise.all(
    shop.productIds.map((id) => runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(id)))),
  );
  const known = () =>
    env.DB.prepare("SELECT count(*) AS pairs FROM stock_levels").first<{ pairs: number }>("pairs");
  await expect.poll(known, { timeout: 10_000 }).toBe(pairs);
  return shop;
}

const allocationsOf = (body: { items: { allocations: unknown }[] }) =>
  body.items.map(({ allocations }) => allocations);

/** Free units of a product by store. */
async function availableIn(productId: string, storeIds: string[]): Promise<(number | undefined)[]> {
  const { stores } = await levels(productId);
  return storeIds.map((id) => stores.find((store) => store.store_id === id)?.available);
}

test("a store that the buyer names is the only one that is asked", async () => {
  const { productIds, storeIds } = await givenShop([[2, 9]]);
  const [product = ""] = productIds;
  const [near, far] = storeIds;
  const short = await order(basket({ [product]: 3 }, { store_id: near }));
  expect(refusalOf(short)).toEqual([409, "insufficient_stock"]);
  expect(short.body.errors).toEqual([{ product_id: product, requested: 3, available: 2 }]);

  const placed = await order(basket({ [product]: 3 }, { store_id: far }));
  expect(allocationsOf(placed.body)).toEqual([[{ store_id: far, quantity: 3 }]]);
  expect(await availableIn(product, storeIds)).toEqual([2, 6]);
});

test("a store that nobody knows is refused, and nothing is held", async () => {
  const { productIds } = await givenShop([[5]]);
  const [product = ""] = productIds;
  const refused = await order(basket({ [product]: 1 }, { store_id: "sto_nowhere" }));
  expect(refusalOf(refused)).toEqual([422, "unknown_store", "store_id"]);
  expect(await levels(product)).toMatchObject({ reserved: 0 });
});

test("one store that has the whole order is preferred to nearer ones that have parts", async () => {
  const { productIds, storeIds } = await givenKnownShop([
    [5, 0, 5, 5],
    [0, 5, 5, 5],
  ]);
  const [apple = "", pear = ""] = productIds;
  const third = storeIds[2];
  const placed = await order(basket({ [apple]: 2, [pear]: 2 }));
  expect(allocationsOf(placed.body)).toEqual([
    [{ store_id: third, quantity: 2 }],
    [{ store_id: third, quantity: 2 }],
  ]);
});

test("where no store has all, each product comes from the nearest store that has enough of it", async () => {
  const { productIds, storeIds } = await givenKnownShop([
    [1, 5, 5, 0],
    [0, 0, 0, 5],
  ]);
  const [apple = "", pear = ""] = productIds;
  const placed = await order(basket({ [apple]: 2, [pear]: 2 }));
  expect(allocationsOf(placed.body)).toEqual([
    [{ store_id: storeIds[1], quantity: 2 }],
    [{ store_id: storeIds[3], quantity: 2 }],
  ]);
});

test("where no store has enough of a product, several give, the nearest first", async () => {
  const { productIds, storeIds } = await givenKnownShop([[3, 4, 2]]);
  const [product = ""] = productIds;
  const [near, middle, far] = storeIds;
  const placed = await order(basket({ [product]: 8 }));
  expect(allocationsOf(placed.body)).toEqual([
    [
      { store_id: near, quantity: 3 },
      { store_id: middle, quantity: 4 },
      { store_id: far, quantity: 1 },
    ],
  ]);
  expect(await availableIn(product, storeIds)).toEqual([0, 0, 1]);
  const last = await order(basket({ [product]: 2 }));
  expect(last.body.errors).toEqual([{ product_id: product, requested: 2, available: 1 }]);
});

test("what the projection does not know yet, or knows wrongly, is sold all the same", async () => {
  const { productIds, storeIds } = await givenShop([[2, 3]]);
  const [product = ""] = productIds;
  await env.DB.prepare("DELETE FROM stock_levels").run();
  expect((await order(basket({ [product]: 4 }))).body.total_items).toBe(4);

  await env.DB.prepare("DELETE FROM stock_levels").run();
  await env.DB.prepare(
    `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, version, epoch, updated_at)
     VALUES (?1, ?2, 99, 0, 99, 0, 0, 0)`,
  )
    .bind(product, storeIds[0])
    .run();
  expect((await order(basket({ [product]: 1 }))).body.total_items).toBe(1);
  expect((await order(basket({ [product]: 1 }))).body.errors).toMatchObject([{ available: 0 }]);
});
