import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { MAX_PRODUCTS, roundsFor } from "../../src/claims/calls.ts";
import { type Reservation, tryAgain, type Wanted } from "../../src/claims/reserve.ts";
import { stockOf } from "../../src/inventory/client.ts";
import type { ReserveOutcome } from "../../src/inventory/stock-types.ts";
import { Boundary } from "../chaos/boundary.ts";
import { brokenInvariants } from "../chaos/invariants.ts";
import { outcomeOf, send } from "../chaos/stage.ts";
import { testContext } from "../events/context.ts";
import { basket, givenShop } from "../support/shop.ts";

/** How often a bulk calls the objects when others are in its way: a request has only so many calls. */

const hold = (productId: string, claim: string) =>
  stockOf(env, productId).reserve(
    productId,
    [{ claim, orderId: claim.replace("clm", "ord"), quantity: 1, stores: [], only: false }],
    3_600_000,
  );

test("a bulk has a second pass for what fell short by provisional holds alone", async () => {
  const { productIds } = await givenShop([[1], [1], [1], [0]]);
  const [apple = "", pear = "", fig = "", none = ""] = productIds;
  // A stranger who never decides, and one who is dead and let nothing go.
  await hold(pear, "clm_7zzz");
  await hold(fig, "clm_0000");
  await env.DB.prepare(
    "INSERT INTO claims (id, fate, stamp, decided_at) VALUES ('clm_0000', 'rejected', 'x', 0)",
  ).run();
  const boundary = new Boundary();
  const orders = [
    basket({ [apple]: 1, [none]: 1 }),
    basket({ [apple]: 1 }),
    basket({ [pear]: 1 }),
    basket({ [fig]: 1 }),
  ];
  const response = await outcomeOf(send(boundary, "/orders/bulk", { orders }), boundary);
  const body = await response?.json<{ results: { status: string }[] }>();
  // By what fell in this bulk itself, and by what a dead one held; who waited in vain is told.
  const statuses = body?.results.map(({ status }) => status);
  expect(statuses).toEqual(["rejected", "created", "rejected", "created"]);
  const calls = Map.groupBy(
    boundary.calls.filter((call) => call.startsWith("Stock") || call.startsWith("D1")),
    (call) => call,
  );
  expect(Object.fromEntries([...calls].map(([call, all]) => [call, all.length]))).toEqual({
    // What is in the way, and what is owed after the answer, is asked of D1 besides; each pass records.
    "D1.batch": 3,
    "D1.all": 1,
    // Each product; the heir's; six times the pear's, the first with the fig's.
    "Stock.reserve": 4 + 1 + 7,
    // The dead one's; what fell first, of two products; what waited in vain.
    "Stock.follow": 1 + 2 + 1,
  });
  const opening = new Map([apple, pear, fig, none].map((id, index) => [id, index === 3 ? 0 : 1]));
  expect(await brokenInvariants(opening, { calm: false })).toEqual([]);
});

describe("trying again", () => {
  const short: ReserveOutcome = {
    kind: "short",
    available: 0,
    inTheWay: [{ claim: "clm_7zzz", quantity: 1 }],
  };

  /** One claim of so many products, of which none is let go. */
  async function tryFor(products: number) {
    const productIds = Array.from({ length: products }, (_, index) => `prd_${index}`);
    const pauses: number[] = [];
    let calls = 0;
    const stub = {
      reserve: async (_productId: string, requests: unknown[]) => {
        calls++;
        return requests.map(() => short);
      },
    };
    const context = testContext({
      clock: { now: () => 0, sleep: async (pause) => void pauses.push(pause) },
      env: { ...env, STOCK: { idFromName: () => "", get: () => stub } as never },
    });
    const wanted: Wanted = {
      claim: "clm_1",
      order: {
        id: "ord_1",
        storeId: null,
        items: productIds.map((productId) => ({
          ...{ productId, sku: "", title: "", quantity: 1, unitPrice: 1 },
          ...{ allocations: [], available: null },
        })),
      },
      stores: new Map(),
    };
    const reservation: Reservation = new Map(productIds.map((id) => [id, short]));
    await tryAgain(context, new Map([[wanted, reservation]]), null);
    return { pauses, calls };
  }

  test("is six times within about a second, and less often where that would be too many calls", async () => {
    expect(await tryFor(1)).toEqual({ pauses: [20, 40, 80, 160, 320, 640], calls: 6 });
    expect(await tryFor(300)).toEqual({ pauses: [20, 40, 80, 160, 320, 640], calls: 1_800 });
    expect(await tryFor(501)).toEqual({ pauses: [160, 320, 640], calls: 1_503 });
    expect(await tryFor(MAX_PRODUCTS)).toEqual({ pauses: [320, 640], calls: 2_000 });
  });

  test("with fresh claims is for requests that have the calls for it", () => {
    // A single order has a hundred products at most.
    expect([1, 100, 194, 195, 458, 459, MAX_PRODUCTS].map(roundsFor)).toEqual([4, 3, 3, 2, 2, 1, 1]);
  });
});
