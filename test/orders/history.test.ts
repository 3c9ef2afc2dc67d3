import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { cleanUp } from "../../src/ops/jobs/clean-up.ts";
import { isoTimestamp } from "../../src/platform/clock.ts";
import { sweep } from "../chaos/stage.ts";
import { testContext } from "../events/context.ts";
import { rows } from "../payments/settle/till.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import type { Wire } from "../support/wire.ts";
import { type Answer, cancel, order, read, refusalOf } from "./ask.ts";
import { HISTORY } from "./history-rows.ts";

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
  const { product, store, placed, placedAt, history } = await givenCancelled();
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
        actor: "you",
        reason: null,
        kind: "transition",
        snapshot: { status: "pending", ...snapshot },
      },
      {
        version: 2,
        from: "pending",
        to: "cancelled",
        at: isoTimestamp(placedAt + 60_000),
        actor: "you",
        reason: "too dear",
        kind: "transition",
        snapshot: { status: "cancelled", ...snapshot },
      },
    ],
  });
});

test("has the first version of the order alone, while it stands there, and as it was from then on", async () => {
  const { productIds, storeIds } = await givenShop([[5]]);
  const [product = ""] = productIds;
  const { headers } = await signIn("staff");
  const placed = await order(basket({ [product]: 2 }, { payment_method: "invoice" }));
  const first = async () => {
    const { body } = await read(`/orders/${placed.body.id}/history`, headers);
    return { count: body.count, line: body.results[0] };
  };
  const asPlaced = await first();
  expect(asPlaced).toMatchObject({
    count: 1,
    line: {
      ...{ version: 1, from: null, to: "confirmed", actor: "guest", reason: null },
      snapshot: {
        status: "confirmed",
        items: [{ allocations: [{ store_id: storeIds[0], quantity: 2, shipped: 0 }] }],
      },
    },
  });
  testClock.advance(60_000);
  const one = { items: [{ product_id: product, quantity: 1 }] };
  for (const [index, [path, body]] of [["shipments", one] as const, ["close", {}] as const].entries()) {
    expect((await post(`/orders/${placed.body.id}/${path}`, body, headers)).status).toBeLessThan(300);
    expect(await first()).toEqual({ ...asPlaced, count: index + 2 });
  }
  // Once it is in the history's own row, the order need not carry it.
  expect(await rows("SELECT version, placed_as FROM orders")).toEqual([{ version: 3, placed_as: null }]);
  expect(await rows("SELECT version, placed_as IS NULL AS bare FROM order_history ORDER BY version")).toEqual(
    [
      { version: 2, bare: 0 },
      { version: 3, bare: 1 },
    ],
  );
});

test("goes as a whole when it is older than the retention: of an order that moved, the first version too", async () => {
  const { placed } = await givenCancelled();
  testClock.advance(91 * 86_400_000);
  expect(await cleanUp(testContext())).toContain("history lines of ended orders 1");
  const { headers } = await signIn("staff");
  const { body } = await read(`/orders/${placed.body.id}/history`, headers);
  expect(body).toMatchObject({ count: 0, results: [] });
  expect((await read(`/orders/${placed.body.id}`, headers)).status).toBe(200);
});

test("has the row of an order from before for its first version, and no other", async () => {
  const { placed, history } = await givenCancelled();
  const now = (await history()).body;
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO order_history SELECT *, NULL, NULL FROM ${HISTORY} WHERE version = 1 AND order_id = ?1`,
    ).bind(placed.body.id),
    env.DB.prepare("UPDATE order_history SET placed_as = NULL"),
    env.DB.prepare("UPDATE orders SET placed_by = NULL, placed_as = NULL"),
  ]);
  expect((await history()).body.results.map(({ version, to, actor }: Wire) => [version, to, actor])).toEqual(
    now.results.map(({ version, to, actor }: Wire) => [version, to, actor]),
  );
});

test("of an order that nobody paid, the system is the actor", async () => {
  const { productIds } = await givenShop([[5]]);
  const { headers } = await signIn();
  const placed = await order(basket({ [productIds[0] ?? ""]: 1 }, { payment_method: "card" }), headers);
  testClock.advance(30 * 60_000);
  await sweep();
  const { body } = await read(`/orders/${placed.body.reference}/history`, headers);
  expect(body.results[1]).toMatchObject({ from: "pending", to: "expired", actor: "system" });
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
