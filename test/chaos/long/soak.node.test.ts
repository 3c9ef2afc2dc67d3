import { afterAll, beforeAll, expect, test } from "vitest";
import { type PricedShop, startPricedShop } from "../../bench/costs/priced-shop.ts";
import { NO_LIMITS } from "../../bench/shop.ts";
import { FLAT, grown, perOrder, takeThrough } from "../../bench/soak/parts.ts";

/** The short form of `npm run soak`: by counts alone, since time and memory want a quiet machine. */
const ORDERS = 150;
/** Each half sells each product once, so that what gathers by product gathers as much in both. */
const SIZE = { products: 2 * ORDERS, stores: 5, categories: 3 };
let shop: PricedShop;

beforeAll(async () => {
  shop = await startPricedShop(NO_LIMITS, SIZE);
}, 150_000);

afterAll(async () => {
  await shop.stop();
}, 30_000);

test("the second hundred and fifty orders cost what the first did, from placed to delivered", {
  timeout: 300_000,
}, async () => {
  const half = async (begin: number) => perOrder((await takeThrough(shop, begin, ORDERS, 1)).counts, ORDERS);
  // What is made once in a shop's life is no order's cost.
  await takeThrough(shop, 0, 1, 1);
  const first = await half(0);
  const second = await half(ORDERS);

  console.log(FLAT.map(({ name }, place) => `${name}: ${first[place]}, ${second[place]}`).join("\n"));
  expect(Math.min(...first)).toBeGreaterThan(1);
  expect(grown(first, second)).toEqual([]);
  // One call or one row written more is told, and so is a statement that reads a row for each tenth order before it.
  for (const [place, { name, slack }] of FLAT.entries()) {
    const more = first.with(place, (first[place] ?? 0) + (slack < 1 ? 1 : ORDERS / 10));
    expect(grown(first, more).map((sentence) => sentence.split(" grew")[0])).toEqual([name]);
  }
});
