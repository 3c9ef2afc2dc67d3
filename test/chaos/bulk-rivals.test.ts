import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { operationsOf } from "../../src/claims/ids.ts";
import { stockOf } from "../../src/inventory/client.ts";
import { draftOf } from "../../src/orders/place/draft.ts";
import { placeOrders } from "../../src/orders/place/place.ts";
import { placeOrderSchema } from "../../src/orders/schemas.ts";
import type { Context } from "../../src/platform/context.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { testContext } from "../events/context.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, post } from "../support/shop.ts";
import { Boundary } from "./boundary.ts";
import { brokenInvariants } from "./invariants.ts";
import { outcomeOf, send, wakeObject } from "./stage.ts";

/** Two bulks of all or nothing that each hold what the other needs: each has the first word at another product. */

const PLACED = ["confirmed", "confirmed"];
const REFUSED = ["rejected", "rejected"];

/** Stock that lets a worker at a product only when `before` has resolved, and tells when it was there. */
function gated(before: (productId: string) => Promise<unknown>, was: (productId: string) => void) {
  const get = (id: DurableObjectId) => {
    const stub = env.STOCK.get(id);
    return new Proxy(stub, {
      get: (object, name) => {
        const method = String(name) as "reserve";
        if (method !== "reserve") return Reflect.get(object, name);
        return async (productId: string, ...rest: [never, never]) => {
          await before(productId);
          const outcome = await object[method](productId, ...rest);
          was(productId);
          return outcome;
        };
      },
    });
  };
  return new Proxy(env.STOCK, {
    get: (object, name) => {
      const value = Reflect.get(object, name);
      if (name === "get") return get;
      return typeof value === "function" ? value.bind(object) : value;
    },
  });
}

interface Bulk {
  /** It is there first, so it holds its unit of it. */
  first: string;
  /** What it orders, each in an order of its own: a product, or `product quantity`. */
  productIds: string[];
  /** The ids that it draws for its orders, in turn. */
  ids: string[];
  /** How long it is on its way to all but the first of them, milliseconds. */
  lag?: number;
}

/** Both at once. Returns the statuses of the orders of each, and how often each waited. */
async function race(bulks: [Bulk, Bulk]) {
  const held = new Map(
    bulks.map(({ first }) => {
      let tell = () => {};
      const told = new Promise<void>((resolve) => {
        tell = resolve;
      });
      return [first, { told, tell }];
    }),
  );
  const deferred: Promise<unknown>[] = [];
  const racing = bulks.map(async ({ first, productIds, ids, lag }) => {
    let pauses = 0;
    const queue = [...ids];
    const context: Context = testContext({
      ids: { ...systemIds, next: () => queue.shift() ?? systemIds.next() },
      // As long as it is in the world: the other goes on meanwhile.
      clock: {
        now: () => testClock.now(),
        sleep: async (milliseconds) => {
          pauses++;
          await new Promise((resolve) => setTimeout(resolve, milliseconds));
        },
      },
      env: {
        ...env,
        STOCK: gated(
          async (productId) => {
            if (productId === first) return;
            await held.get(productId)?.told;
            if (lag !== undefined) await new Promise((resolve) => setTimeout(resolve, lag));
          },
          (productId) => held.get(productId)?.tell(),
        ),
      },
      defer: (work) => void deferred.push(work),
    });
    const operations = operationsOf(context.ids, productIds.length, true);
    const drafts = productIds.map((named, index) => {
      const [id = "", quantity = "1"] = named.split(" ");
      return draftOf(
        context,
        placeOrderSchema.parse(basket({ [id]: Number(quantity) })),
        null,
        operations[index],
      );
    });
    const placings = await placeOrders(context, drafts, {
      together: true,
      admits: async () => true,
    });
    const statuses = placings.map((placing) => {
      if (placing.kind !== "decided") return placing.kind;
      return placing.answer.status === 201 ? "confirmed" : "rejected";
    });
    return { statuses, pauses };
  });
  const outcomes = await Promise.all(racing);
  await Promise.all(deferred);
  return outcomes;
}

const ID = (end: string) => `01kmwgv6n0000000000000${end}`;

function permutations<T>(all: T[]): T[][] {
  if (all.length === 0) return [[]];
  return all.flatMap((one) =>
    permutations(all.filter((other) => other !== one)).map((rest) => [one, ...rest]),
  );
}

describe("two bulks of all or nothing, with units for one of them,", () => {
  test.each(permutations(["0a00", "0b00", "0c00", "0d00"]))(
    "do not both fall, whatever their ids: %s %s and %s %s",
    async (...ends) => {
      const { productIds } = await givenShop([[1], [1]]);
      const [apple = "", pear = ""] = productIds;
      const ids = ends.map(ID);
      const outcomes = await race([
        { first: apple, productIds, ids: ids.slice(0, 2) },
        { first: pear, productIds, ids: ids.slice(2) },
      ]);
      expect(outcomes.map(({ statuses }) => statuses).sort()).toEqual([PLACED, REFUSED]);
      const opening = new Map(productIds.map((id) => [id, 1]));
      expect(await brokenInvariants(opening, { calm: false })).toEqual([]);
    },
  );

  test("fall at once where they are behind at something, and keep nobody waiting", async () => {
    const { productIds } = await givenShop([[1], [1], [1]]);
    const [apple = "", pear = "", fig = ""] = productIds;
    // Somebody holds the fig who may yet let it go.
    const request = { claim: "clm_7zzz", orderId: "ord_7zzz", quantity: 1, stores: [], only: false };
    await stockOf(env, fig).reserve(fig, [request], 3_600_000);
    const [ahead, behind] = await race([
      { first: apple, productIds: [apple, pear], ids: [ID("0a00")] },
      { first: pear, productIds: [pear, fig, apple], ids: [ID("0b00")] },
    ]);
    expect(ahead?.statuses).toEqual(PLACED);
    expect(behind).toEqual({ statuses: [...REFUSED, "rejected"], pauses: 0 });
  });
});

test("a bulk of all or nothing waits only where what may come is enough for all of it", async () => {
  const { productIds } = await givenShop([[2]]);
  const [fig = ""] = productIds;
  const request = { claim: "clm_7zzz", orderId: "ord_7zzz", quantity: 1, stores: [], only: false };
  await stockOf(env, fig).reserve(fig, [request], 3_600_000);
  const bulkOf = (count: number) => ({ first: fig, productIds: Array<string>(count).fill(fig), ids: [] });
  const nobody = { first: "", productIds: [], ids: [] };
  const [two] = await race([bulkOf(2), nobody]);
  expect(two).toEqual({ statuses: REFUSED, pauses: 6 });
  const [three] = await race([bulkOf(3), nobody]);
  expect(three).toEqual({ statuses: [...REFUSED, "rejected"], pauses: 0 });
});

test("a bulk of all or nothing of which one claim was fenced off comes again with fresh ones for all", async () => {
  const { productIds } = await givenShop([[1], [1]]);
  const [apple = "", pear = ""] = productIds;
  const orders = [basket({ [apple]: 1 }), basket({ [pear]: 1 })];
  const body = { orders, mode: "all_or_nothing" };
  const key = { "Idempotency-Key": "a-guest-key-of-a-fenced-bulk" };
  const dying = new Boundary({ at: 3, ending: "dies before" });
  await outcomeOf(send(dying, "/orders/bulk", body, key), dying);
  dying.bury();
  testClock.advance(3_620_000);
  await wakeObject(apple, new Boundary());
  const response = await post("/orders/bulk", body, key);
  expect(response.status).toBe(201);
  const { results } = await response.json<{ results: { order: { id: string } }[] }>();
  const [first = "", second = ""] = results.map(({ order }) => order.id);
  expect([first.slice(0, -2), first.slice(-2), second.slice(-2)]).toEqual([second.slice(0, -2), "00", "01"]);
  const fates = await env.DB.prepare("SELECT fate FROM claims ORDER BY fate").all<{ fate: string }>();
  expect(fates.results.map(({ fate }) => fate)).toEqual(["abandoned", "abandoned", "placed", "placed"]);
  expect(await brokenInvariants(new Map(productIds.map((id) => [id, 1])), { calm: false })).toEqual([]);
});

/** A stranger without a fate, whose id is behind all others, holds units. */
async function strangerHolds(productId: string, ...claims: string[]): Promise<void> {
  const requests = claims.map((claim) => ({
    ...{ claim, orderId: claim.replace("clm", "ord"), quantity: 1 },
    ...{ stores: [], only: false },
  }));
  await stockOf(env, productId).reserve(productId, requests, 3_600_000);
}

const STRANGER = "clm_7zzz";
/** So much later one comes to what both want, milliseconds. */
const LATER = 100;

test("units that one ahead holds are not counted on: a bulk behind it falls at once", async () => {
  const { productIds } = await givenShop([[2], [1]]);
  const [fig = "", pear = ""] = productIds;
  await strangerHolds(fig, STRANGER);
  const [ahead, behind] = await race([
    { first: fig, productIds: [fig, pear], ids: [ID("0a00")] },
    { first: pear, productIds: [pear, fig, fig], ids: [ID("0b00")], lag: LATER },
  ]);
  expect([ahead?.statuses, behind?.pauses]).toEqual([PLACED, 0]);
});

test("units that another of its own took since are not counted on either", async () => {
  const { productIds } = await givenShop([[3], [1], [1]]);
  const [fig = "", pear = "", apple = ""] = productIds;
  await strangerHolds(fig, STRANGER);
  const [ahead, behind] = await race([
    { first: apple, productIds: [apple, pear], ids: [ID("0a00")] },
    { first: pear, productIds: [pear, `${fig} 3`, fig], ids: [ID("0b00")], lag: LATER },
  ]);
  expect([ahead?.statuses, behind?.pauses]).toEqual([PLACED, 0]);
});

test("units that another of its own held before are its own: it waits for the rest", async () => {
  const { productIds } = await givenShop([[4]]);
  const [fig = ""] = productIds;
  await strangerHolds(fig, STRANGER, `clm_${ID("0b00").slice(0, -2)}01`);
  const [bulk] = await race([
    { first: fig, productIds: [`${fig} 3`, fig], ids: [ID("0b00")] },
    { first: "", productIds: [], ids: [] },
  ]);
  expect(bulk?.pauses).toBe(6);
});
