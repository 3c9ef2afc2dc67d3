import { describe, expect, test } from "vitest";
import { isoTimestamp } from "../../src/platform/clock.ts";
import { sweep } from "../chaos/stage.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { type Answer, cancel, order, read, refusalOf } from "./ask.ts";

/** A customer's order by card that was cancelled a minute later. */
async function givenCancelled() {
  const { productIds, storeIds } = await givenShop([[5]]);
  const buyer = await signIn();
  const [product = ""] = productIds;
  const placedAt = testClock.now();
  const placed = await order(basket({ [product]: 2 }, { payment_method: "card" }), buyer.headers);
  testClock.advance(60_000);
  await cancel(placed.body.id, buyer.headers, { reason: "too dear" });
  const history = (query = ""): Promise<Answer> =>
    read(`/orders/${placed.body.id}/history${query}`, buyer.headers);
  return { product, store: storeIds[0], buyer, placed, placedAt, history };
}

test("says of each version who, when, from, to and why, oldest first, and what the order was then", async () => {
  const { product, store, buyer, placed, placedAt, history } = await givenCancelled();
  const snapshot = {
    payment_status: "awaiting",
    total: { amount: "39.98", currency: "USD" },
    expires_at: placed.body.expires_at,
    items: [
      { product_id: product, quantity: 2, allocations: [{ store_id: store, quantity: 2, shipped: 0 }] },
    ],
  };
  expect((await history()).body).toEqual({
    count: 2,
    page: 1,
    page_size: 20,
    total_pages: 1,
    has_next: false,
    has_previous: false,
    next_cursor: null,
    results: [
      {
        version: 1,
        from: null,
        to: "pending",
        at: isoTimestamp(placedAt),
        actor: buyer.id,
        reason: null,
        snapshot: { status: "pending", ...snapshot },
      },
      {
        version: 2,
        from: "pending",
        to: "cancelled",
        at: isoTimestamp(placedAt + 60_000),
        actor: buyer.id,
        reason: "too dear",
        snapshot: { status: "cancelled", ...snapshot },
      },
    ],
  });
});

test("of an order that nobody paid, the system is the actor", async () => {
  const { productIds } = await givenShop([[5]]);
  const { headers } = await signIn();
  const placed = await order(basket({ [productIds[0] ?? ""]: 1 }, { payment_method: "card" }), headers);
  testClock.advance(30 * 60_000);
  await sweep();
  const { body } = await read(`/orders/${placed.body.reference}/history`, headers);
  expect(body.results[1]).toMatchObject({ from: "pending", to: "expired", actor: "system:schedule" });
});

describe("pages", () => {
  test("by number and by cursor", async () => {
    const { history } = await givenCancelled();
    const first = (await history("?page_size=1")).body;
    expect([first.count, first.has_next, first.results[0].version]).toEqual([2, true, 1]);
    const second = (await history(`?page_size=1&cursor=${first.next_cursor}`)).body;
    expect([second.count, second.has_next, second.next_cursor]).toEqual([null, false, null]);
    expect(second.results.map(({ version }: { version: number }) => version)).toEqual([2]);
    expect((await history("?page_size=1&page=2")).body.results).toEqual(second.results);
    expect((await history("?page=9")).body).toMatchObject({ count: 2, results: [], has_previous: true });
  });

  test.each(["cursor=garbage", "cursor=WyJhIiwiYiJd", "page=0", "page_size=-1", "page=x"])(
    "%s is unreadable",
    async (query) => {
      const { history } = await givenCancelled();
      const answer = await history(`?${query}`);
      expect(refusalOf(answer)).toEqual([400, "invalid_query", query.split("=")[0]]);
    },
  );
});
