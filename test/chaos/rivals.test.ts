import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { draftOf } from "../../src/orders/place/draft.ts";
import { placeOrders } from "../../src/orders/place/place.ts";
import { placeOrderSchema } from "../../src/orders/schemas.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { testContext } from "../events/context.ts";
import { basket, givenShop } from "../support/shop.ts";

describe("two drafts of one bulk", () => {
  test("do not both lose to each other's provisional holds", async () => {
    const { productIds } = await givenShop([[1], [1]]);
    const [apple = "", pear = ""] = productIds;
    const draft = (quantities: Record<string, number>) =>
      draftOf(placeOrderSchema.parse(basket(quantities)), null);
    // The first draft's claim is the larger.
    const queue = ["7zzzzzzzzzzzzzzzzzzzzzzzzz", "00000000000000000000000000"];
    const ids = { ...systemIds, next: () => queue.shift() ?? systemIds.next() };
    const deferred: Promise<unknown>[] = [];
    const context = testContext({ ids, defer: (work) => void deferred.push(work) });
    const outcomes = await placeOrders(
      context,
      [draft({ [apple]: 2, [pear]: 1 }), draft({ [apple]: 1, [pear]: 1 })],
      {
        together: false,
        admitted: Promise.resolve(true),
        render: (order) => ({ status: order.status === "rejected" ? 409 : 201, body: "{}" }),
      },
    );
    await Promise.all(deferred);
    const statuses = outcomes.map((outcome) =>
      outcome.kind === "decided" ? outcome.order.status : outcome.kind,
    );
    expect(statuses).toEqual(["rejected", "confirmed"]);
  });
});

test("a deadline with a fraction of a millisecond", async () => {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const [outcome] = await stockOf(env, apple).reserve(
    apple,
    [{ claim: "clm_1", orderId: "ord_1", quantity: 1, stores: [], only: false }],
    5000.7,
  );
  expect(outcome?.kind).toBe("held");
  expect(await stockOf(env, apple).holds()).toHaveLength(1);
});
