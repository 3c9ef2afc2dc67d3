import { type Counter, type Counts, sumOf } from "../costs/counts.ts";
import type { PricedShop } from "../costs/priced-shop.ts";
import { placeOrders, rest, STEPS, takeCounts, takeStep } from "../life.ts";
import { draftOf } from "../operations.ts";

/** Orders that are taken a step together. */
const CHUNK = 500;

/**
 * Takes orders of two through their whole life, and waits until nothing is left to do.
 * @param begin the first order's number: the n-th order is of the two products after those of the one before it
 * @param connections so many requests at the same time
 * @returns what was counted, and how long it took but for the wait, seconds
 */
export async function takeThrough(
  shop: PricedShop,
  begin: number,
  orders: number,
  connections: number,
): Promise<{ counts: Counts; seconds: number }> {
  const { products } = shop.filled;
  const product = (place: number) => products[place % products.length]?.id ?? "";
  await takeCounts(shop.url);
  const began = Date.now();
  for (let from = begin; from < begin + orders; from += CHUNK) {
    const count = Math.min(CHUNK, begin + orders - from);
    const drafts = Array.from({ length: count }, (_, index) =>
      draftOf([product(2 * (from + index)), product(2 * (from + index) + 1)]),
    );
    const ids = await placeOrders(shop.url, drafts, connections);
    for (const to of STEPS) await takeStep(shop, ids, to, connections);
  }
  const seconds = (Date.now() - began) / 1_000;
  await rest(shop);
  return { counts: await takeCounts(shop.url), seconds };
}

/**
 * What of an order must not grow with how many there were before it, and by how much it may all the same: how many reports
 * a queue's batch has is as it comes. A statement that looks through what is stored reads a row more for each order.
 */
export const FLAT: { counter: Counter; name: string; slack: number }[] = [
  { counter: "d1_call", name: "calls to D1", slack: 0.5 },
  { counter: "object_request", name: "calls to objects", slack: 0.5 },
  { counter: "d1_row_read", name: "rows read in D1", slack: 5 },
  { counter: "d1_row_written", name: "rows written in D1", slack: 0.25 },
  { counter: "object_row_read", name: "rows read in objects", slack: 5 },
  { counter: "object_row_written", name: "rows written in objects", slack: 0.25 },
];

/** Of each order. */
export const perOrder = (counts: Counts, orders: number): number[] =>
  FLAT.map(({ counter }) => sumOf(counts, counter) / orders);

/**
 * What grew from one part to a later one: a sentence for each.
 * @param part by which it may grow besides the slack, such as 0.05, where many are on their way at the same time
 */
export const grown = (first: number[], later: number[], part = 0): string[] =>
  FLAT.flatMap(({ name, slack }, place) => {
    const [before = 0, after = 0] = [first[place], later[place]];
    return after > before * (1 + part) + slack
      ? [`${name} grew from ${before.toFixed(2)} to ${after.toFixed(2)} an order`]
      : [];
  });
