import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { draftOf } from "../../src/orders/place/draft.ts";
import { placeOrders } from "../../src/orders/place/place.ts";
import { placeOrderSchema } from "../../src/orders/schemas.ts";
import { testContext } from "../events/context.ts";
import { basket, givenShop } from "../support/shop.ts";

describe("two drafts of one bulk", () => {
  test("do not both lose to each other's provisional holds", async () => {
    const { productIds } = await givenShop([[1], [1]]);
    const [apple = "", pear = ""] = productIds;
    const deferred: Promise<unknown>[] = [];
    const context = testContext({ defer: (work) => void deferred.push(work) });
    const draft = (quantities: Record<string, number>, operation: string) =>
      draftOf(context, placeOrderSchema.parse(basket(quantities)), null, operation);
    const outcomes = await placeOrders(
      context,
      [
        // The first draft's claim is the larger.
        draft({ [apple]: 2, [pear]: 1 }, "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
        draft({ [apple]: 1, [pear]: 1 }, "00000000000000000000000000"),
      ],
      { together: false, admits: async () => true },
    );
    await Promise.all(deferred);
    const statuses = outcomes.map((outcome) =>
      outcome.kind === "decided" ? outcome.answer.status : outcome.kind,
    );
    expect(statuses).toEqual([409, 201]);
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
