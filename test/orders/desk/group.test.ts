import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { type Draft, draftOf } from "../../../src/orders/place/draft.ts";
import type { PlaceOutcome } from "../../../src/orders/place/outcome.ts";
import { placeOrders } from "../../../src/orders/place/place.ts";
import { placeOrderSchema } from "../../../src/orders/schemas.ts";
import type { Actor } from "../../../src/platform/actor.ts";
import { GUEST } from "../../../src/platform/actor.ts";
import { checkout, givenCart, ordersOf } from "../../carts/shopping.ts";
import { testContext } from "../../events/context.ts";
import { ADA, basket, get, givenShop, post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import { HISTORY } from "../history-rows.ts";

/** Orders of different buyers in one batch: each stays its own. */

const admitAll = { admits: async () => true, together: false };

function draft(productId: string, more: Record<string, unknown> = {}, actor: Actor = GUEST): Draft {
  const context = testContext({ actor, requestId: `req-${actor.name}` });
  return draftOf(context, placeOrderSchema.parse(basket({ [productId]: 1 }, more)), null);
}

async function givenUser(): Promise<Actor> {
  const { actor, id } = await signIn();
  return { ...actor, name: `user:${id}` };
}

const rows = async (query: string) => (await env.DB.prepare(query).all<Record<string, unknown>>()).results;

test("each has its own buyer, address, request and token", async () => {
  const [apple = ""] = (await givenShop([[9]])).productIds;
  const [one, two] = [await givenUser(), await givenUser()];
  const drafts = [
    draft(apple, { customer: undefined }, one),
    draft(apple, { customer: undefined }, two),
    draft(apple),
    draft(apple, { customer: undefined }),
  ];
  const outcomes = await placeOrders(testContext({ generation: undefined }), drafts, admitAll);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["decided", "decided", "decided", "refused"]);
  expect(
    await rows(
      `SELECT o.id, o.user_id, o.customer_email, h.actor, w.request_id FROM orders AS o
       JOIN ${HISTORY} AS h ON h.order_id = o.id JOIN work AS w ON w.object_id = o.id ORDER BY o.rowid`,
    ),
  ).toEqual(
    [one, two, GUEST].map((actor, index) => ({
      id: `ord_${drafts[index]?.operation}`,
      user_id: actor.kind === "user" ? actor.userId : null,
      customer_email: actor.kind === "user" ? expect.stringContaining(actor.userId.slice(4)) : ADA.email,
      actor: actor.name,
      request_id: `req-${actor.name}`,
    })),
  );
  const [, , guests] = drafts;
  const page = await get(`/orders/ord_${guests?.operation}`, { "X-Order-Token": guests?.accessToken ?? "" });
  expect(page.status).toBe(200);
});

test("only those that their limits let through are placed", async () => {
  const [apple = ""] = (await givenShop([[9]])).productIds;
  const drafts = [draft(apple), draft(apple), draft(apple)];
  const admits = async (one: Draft) => one !== drafts[1];
  const outcomes = await placeOrders(testContext(), drafts, { admits, together: false });
  expect(outcomes.map(({ kind }) => kind)).toEqual(["decided", "limited", "decided"]);
  expect(await stockOf(env, apple).levels()).toMatchObject({ reserved: 2 });
});

test("one that spoils the batch costs the others one more try, and itself alone its order", async () => {
  const [apple = ""] = (await givenShop([[9]])).productIds;
  const drafts = Array.from({ length: 7 }, () => draft(apple));
  // No two orders may have one reference.
  const spoilt = { ...draft(apple), reference: drafts[1]?.reference ?? "" };
  drafts[4] = spoilt;
  const outcomes = await placeOrders(testContext(), drafts, admitAll);
  expect(outcomes.map(({ kind }, index) => [index, kind])).toEqual(
    drafts.map((one, index) => [index, one === spoilt ? "unavailable" : "decided"]),
  );
  expect(await rows("SELECT count(*) AS orders FROM orders")).toEqual([{ orders: 6 }]);
  expect(await rows("SELECT count(*) AS tasks FROM work")).toEqual([{ tasks: 6 }]);
  expect(await rows(`SELECT fate FROM claims WHERE id = 'clm_${spoilt.operation}'`)).toEqual([
    { fate: "abandoned" },
  ]);
});

test("an object that hangs keeps only those waiting that want its units", async () => {
  const { productIds } = await givenShop([[9], [9]]);
  const [apple = "", pear = ""] = productIds;
  const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
  const hanging = (productId: string) => {
    const stock = stockOf(env, productId);
    const reserve: typeof stock.reserve = async (...call) => {
      await woken;
      return stock.reserve(...call);
    };
    return productId === pear ? { reserve } : stock;
  };
  const STOCK = { idFromName: (productId: string) => productId, get: hanging } as never;
  const drafts = [draft(apple), draft(pear), draft(apple)];
  const { promise: freed, resolve: free } = Promise.withResolvers<void>();
  const outcomes = new Map<Draft, PlaceOutcome>();
  const options = { ...admitAll, onFirstSettled: free };
  const placing = placeOrders(testContext({ env: { ...env, STOCK } }), drafts, options, outcomes);
  await freed;
  expect(drafts.map((one) => outcomes.get(one)?.kind)).toEqual(["decided", undefined, "decided"]);
  wake();
  expect((await placing).map(({ kind }) => kind)).toEqual(["decided", "decided", "decided"]);
  expect(await stockOf(env, pear).levels()).toMatchObject({ reserved: 1 });
});

test("one whose cart was read before a restore is refused before it holds anything", async () => {
  const [apple = ""] = (await givenShop([[9]])).productIds;
  await env.DB.prepare("INSERT INTO shop_state (key, value, since) VALUES ('generation', '2', 0)").run();
  const drafts = [{ ...draft(apple), generation: 1 }, { ...draft(apple), generation: 2 }, draft(apple)];
  const outcomes = await placeOrders(testContext({ generation: undefined }), drafts, admitAll);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["unavailable", "decided", "decided"]);
  expect(await stockOf(env, apple).levels()).toMatchObject({ reserved: 2 });
});

describe("at the same moment, through the whole Worker,", () => {
  test("forty buyers of thirty units: thirty orders, and ten are told that it is short", async () => {
    const [apple = ""] = (await givenShop([[30]])).productIds;
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => post("/orders", basket({ [apple]: 1 }))),
    );
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(201), count(409)]).toEqual([30, 10]);
    expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 30, reserved: 30 });
  });

  test("twins of one key are one order, and get the same bytes", async () => {
    const [apple = ""] = (await givenShop([[9]])).productIds;
    const key = { "Idempotency-Key": "a-guest-key-of-many-twins" };
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => post("/orders", basket({ [apple]: 1 }), key)),
    );
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(bodies).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(201));
    expect(await stockOf(env, apple).levels()).toMatchObject({ reserved: 1 });
  });

  test("tabs of one cart are one order, among those of others", async () => {
    const [apple = ""] = (await givenShop([[30]])).productIds;
    const cart = await givenCart({ [apple]: 1 });
    const tab = (index: number) =>
      checkout(
        cart,
        { customer: ADA, payment_method: "invoice" },
        { "Idempotency-Key": `a-guest-key-of-tab-${index}` },
      );
    const [tabs, others] = await Promise.all([
      Promise.all(Array.from({ length: 6 }, (_, index) => tab(index))),
      Promise.all(Array.from({ length: 6 }, () => post("/orders", basket({ [apple]: 1 })))),
    ]);
    expect(tabs.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    expect(others.map(({ status }) => status)).toEqual(Array(6).fill(201));
    expect(await ordersOf(cart.id)).toEqual(["confirmed"]);
    expect(await stockOf(env, apple).levels()).toMatchObject({ reserved: 7 });
  });
});
