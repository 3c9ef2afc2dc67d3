import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import type { DeskAnswer, DeskCommands } from "../../../src/orders/desk/desk-object.ts";
import { placeAtDesk } from "../../../src/orders/desk/place-at-desk.ts";
import { type Draft, draftOf } from "../../../src/orders/place/draft.ts";
import { placeOrders } from "../../../src/orders/place/place.ts";
import { placeOrderSchema } from "../../../src/orders/schemas.ts";
import { GUEST } from "../../../src/platform/actor.ts";
import type { Context } from "../../../src/platform/context.ts";
import { testContext } from "../../events/context.ts";
import { basket, get, givenShop } from "../../support/shop.ts";
import { askUnder } from "../ask.ts";

/** What a request does whose desk dies, hangs, or cannot be reached: it goes on alone, and is told what became of its order. */

const KEY = { scope: "guest", key: "a-guest-key-of-the-desk", fingerprint: "f" };
const away = async (): Promise<never> => {
  throw new Error("planted: the desk died");
};

/** A request whose desk does this, and does not wait for long. */
function givenRequest(place: (draft: Draft) => Promise<DeskAnswer>, replaced: Partial<Context> = {}) {
  const deferred: Promise<unknown>[] = [];
  const desk: DeskCommands = { place };
  const context = testContext({
    actor: GUEST,
    generation: undefined,
    env: { ...env, ORDER_DESK: { idFromName: () => null, get: () => desk } as never },
    defer: (work) => void deferred.push(work),
    ...replaced,
  });
  return {
    context,
    draftOf: (quantities: Record<string, number>, key: typeof KEY | null) =>
      draftOf(context, placeOrderSchema.parse(basket(quantities)), key),
    place: async (draft: Draft) => {
      const { outcome } = await placeAtDesk(context, draft, [], 20);
      await Promise.all(deferred);
      return outcome;
    },
  };
}

/** What the desk does with a draft, in a context of its own. */
const deskPlaces = (draft: Draft) =>
  placeOrders(testContext({ generation: undefined }), [draft], { admits: async () => true, together: false });

const diesAfterPlacing = async (draft: Draft): Promise<never> => {
  await deskPlaces(draft);
  return away();
};

async function answerOf(outcome: Awaited<ReturnType<ReturnType<typeof givenRequest>["place"]>>) {
  if (outcome.kind !== "decided" && outcome.kind !== "replayed") return outcome.kind;
  const { id, access_token, order } = JSON.parse(outcome.answer.body);
  const named = order ?? { id, access_token };
  const page = await get(`/orders/${named.id}`, { "X-Order-Token": named.access_token });
  return [outcome.answer.status, page.status];
}

const orders = async () =>
  (await env.DB.prepare("SELECT status FROM orders").all<{ status: string }>()).results.map(
    ({ status }) => status,
  );

describe.each([
  ["without a key", null],
  ["under a key", KEY],
])("%s", (_, key) => {
  test("a desk that cannot be reached: the request places its order", async () => {
    const [apple = ""] = (await givenShop([[1]])).productIds;
    const request = givenRequest(away);
    expect(await answerOf(await request.place(request.draftOf({ [apple]: 1 }, key)))).toEqual([201, 200]);
    expect(await orders()).toEqual(["confirmed"]);
    expect(await stockOf(env, apple).levels()).toMatchObject({ reserved: 1 });
  });

  test("a desk that dies when it has placed it: the request answers with that order", async () => {
    const [apple = ""] = (await givenShop([[2]])).productIds;
    const request = givenRequest(diesAfterPlacing);
    expect(await answerOf(await request.place(request.draftOf({ [apple]: 1 }, key)))).toEqual([201, 200]);
    expect(await orders()).toEqual(["confirmed"]);
    expect(await stockOf(env, apple).levels()).toMatchObject({ reserved: 1 });
  });

  test("a desk that dies when it has rejected it: the request says what was short", async () => {
    const [apple = ""] = (await givenShop([[2]])).productIds;
    const request = givenRequest(diesAfterPlacing);
    expect(await answerOf(await request.place(request.draftOf({ [apple]: 3 }, key)))).toEqual([409, 200]);
    expect(await orders()).toEqual(["rejected"]);
    expect(await stockOf(env, apple).levels()).toMatchObject({ reserved: 0 });
  });

  test("a desk that hangs and goes on later: one order, and its units once", async () => {
    const [apple = ""] = (await givenShop([[2]])).productIds;
    const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
    let late: Promise<unknown> = Promise.resolve();
    const request = givenRequest((draft) => {
      late = woken.then(() => deskPlaces(draft));
      return new Promise(() => {});
    });
    expect(await answerOf(await request.place(request.draftOf({ [apple]: 1 }, key)))).toEqual([201, 200]);
    wake();
    await late;
    expect(await orders()).toEqual(["confirmed"]);
    expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 2, reserved: 1 });
  });

  test("a desk that has it in hand while the request goes on alone: one order", async () => {
    const [apple = ""] = (await givenShop([[1]])).productIds;
    let desks: Promise<unknown> = Promise.resolve();
    const request = givenRequest((draft) => {
      desks = deskPlaces(draft);
      return away();
    });
    const outcome = await request.place(request.draftOf({ [apple]: 1 }, key));
    await desks;
    expect(["decided", "replayed"]).toContain(outcome.kind);
    expect(await orders()).toEqual(["confirmed"]);
    expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 1, reserved: 1 });
  });

  test("a desk that is full: nothing is held, and nothing is tried", async () => {
    const [apple = ""] = (await givenShop([[1]])).productIds;
    const request = givenRequest(async () => ({
      outcome: { kind: "crowded" },
      limited: { kind: "allowed", headers: {} },
    }));
    expect(await request.place(request.draftOf({ [apple]: 1 }, key))).toEqual({ kind: "crowded" });
    expect(await orders()).toEqual([]);
    expect(await stockOf(env, apple).levels()).toMatchObject({ reserved: 0 });
  });
});

test("a desk that does not know the outcome is as good as one that died: the order that it placed is found", async () => {
  const [apple = ""] = (await givenShop([[2]])).productIds;
  const request = givenRequest(async (draft) => {
    await deskPlaces(draft);
    return { outcome: { kind: "unknown" }, limited: { kind: "allowed", headers: {} } };
  });
  expect(await answerOf(await request.place(request.draftOf({ [apple]: 1 }, null)))).toEqual([201, 200]);
  expect(await orders()).toEqual(["confirmed"]);
});

test("where D1 is away too, a buyer without a key is told to look for the order before buying again", async () => {
  const [apple = ""] = (await givenShop([[1]])).productIds;
  const broken = { prepare: env.DB.prepare.bind(env.DB), batch: away } as unknown as D1Database;
  const request = givenRequest(away);
  request.context.env = { ...request.context.env, DB: broken };
  expect(await request.place(request.draftOf({ [apple]: 1 }, null))).toEqual({ kind: "unknown" });
});

test("a cart that was spent before can be nobody's order: no claim is given up, and no outcome unknown", async () => {
  const [apple = ""] = (await givenShop([[1]])).productIds;
  const request = givenRequest(away);
  const calls = [env.DB.batch.bind(env.DB)];
  const batch = (statements: D1PreparedStatement[]) => (calls.pop() ?? away)(statements);
  const DB = { prepare: env.DB.prepare.bind(env.DB), batch } as unknown as D1Database;
  request.context.env = { ...request.context.env, DB };
  const order = { id: "ord_of_another_tab", reference: "HF-OF-ANOTHER-TAB" };
  const draft = { ...request.draftOf({ [apple]: 1 }, null), cart: { id: "c", version: 1, spentBy: order } };
  expect(await request.place(draft)).toEqual({ kind: "refused", refusal: { kind: "cart_spent", order } });
});

test("a full desk answers 503 and when to come again", async () => {
  const [apple = ""] = (await givenShop([[1]])).productIds;
  const place = async (): Promise<DeskAnswer> => ({
    outcome: { kind: "crowded" },
    limited: { kind: "allowed", headers: {} },
  });
  const ORDER_DESK = { idFromName: () => null, get: () => ({ place }) };
  const answer = await askUnder({ ORDER_DESK }, "POST", "/orders", basket({ [apple]: 1 }));
  expect([answer.status, answer.body.code, answer.headers.get("retry-after")]).toEqual([
    503,
    "overloaded",
    "1",
  ]);
});
