import { describe, expect, test } from "vitest";
import { ask, BUYER, checkout, type GivenCart, givenCart, ordersOf, putItem } from "../carts/shopping.ts";
import { refusalOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { Boundary } from "./boundary.ts";
import { click, freshKey, givenStage, LONG, mustBeSpentOnce, reserved } from "./carts.ts";
import { Stage, settleAll, wakeObject } from "./stage.ts";

/**
 * Delay at every await of a cart's checkout; death is in long/checkout-death.test.ts. That no cart is spent by two living
 * orders is one of the invariants that hold at every step.
 */

describe("a checkout that stalls anywhere", () => {
  const cancel = (order: { id: string; access_token: string }) =>
    ask("POST", `/orders/${order.id}/cancel`, {}, { "X-Order-Token": order.access_token });

  /** What moves meanwhile, and what the one who wakes may be told. */
  const MEANWHILE: [string, (cart: GivenCart, stage: Stage) => Promise<unknown>, string[]][] = [
    ["another tab orders it", (cart) => checkout(cart, BUYER, freshKey()), ["409 cart_spent"]],
    [
      "something is put into it",
      (cart, stage) => putItem(cart, stage.productIds[0] ?? "", 2),
      ["409 cart_changed"],
    ],
    [
      "it is ordered and that is cancelled",
      async (cart) => cancel((await checkout(cart, BUYER, freshKey())).body),
      ["201"],
    ],
    [
      "it is ordered, that is cancelled, and it is ordered again",
      async (cart) => {
        await cancel((await checkout(cart, BUYER, freshKey())).body);
        await checkout(cart, BUYER, freshKey());
      },
      ["409 cart_spent"],
    ],
    [
      "its guest signs in",
      (cart) =>
        ask(
          "POST",
          "/auth/register",
          { email: `ada-${cart.id}@shop.example`, password: "analytical engine", name: "Ada" },
          cart.headers,
        ),
      ["409 cart_changed"],
    ],
  ];

  test.each(MEANWHILE)("while %s", LONG, async (_what, move, allowed) => {
    const given: { stage: Stage; cart: GivenCart }[] = [];
    // Before the cart is read nothing is known that could be wrong; after the record there is nothing left to lose.
    for (let at = 1; at <= 4; at++) {
      const { stage, cart } = await givenStage();
      const stalled = new Boundary({ at, ending: "stalls" });
      const sent = click(stalled, cart, at % 2 ? {} : freshKey());
      await stalled.reached;
      await move(cart, stage);
      await stage.mustHold();
      stalled.wake();
      const answer = await sent.answer;
      await Promise.all(sent.deferred);
      const { code } = await answer.json<{ code?: string }>();
      expect(allowed).toContain(code === undefined ? String(answer.status) : `${answer.status} ${code}`);
      await stage.mustHold();
      given.push({ stage, cart });
    }
    await settleAll(given.map(({ stage }) => stage));
    for (const { stage, cart } of given) {
      const living = (await ordersOf(cart.id)).filter((status) => status === "confirmed").length;
      expect(await reserved(stage)).toEqual([living, living]);
    }
  });

  test("and finds its own key's order there is answered with that order", LONG, async () => {
    const { stage, cart } = await givenStage();
    const key = freshKey();
    const stalled = new Boundary({ at: 4, ending: "stalls" });
    const sent = click(stalled, cart, key);
    await stalled.reached;
    // Its holds are older than HOLD_SECONDS: they ask, its claim is abandoned, and the key gets another one.
    testClock.advance(3_700_000);
    for (const productId of stage.productIds) await wakeObject(productId, new Boundary());
    const twin = await checkout(cart, BUYER, key);
    expect(twin.status).toBe(201);
    stalled.wake();
    const answer = await sent.answer;
    await Promise.all(sent.deferred);
    expect([answer.status, (await answer.json<{ id: string }>()).id]).toEqual([201, twin.body.id]);
    await stage.settle();
    expect(await mustBeSpentOnce(stage, cart)).toBe(twin.body.id);
  });

  test(
    "and finds the last units gone to its own other tab is told that, not that stock is short",
    LONG,
    async () => {
      const { stage, cart } = await givenStage([1, 1]);
      const stalled = new Boundary({ at: 1, ending: "stalls" });
      const sent = click(stalled, cart);
      await stalled.reached;
      const other = await checkout(cart, BUYER, freshKey());
      stalled.wake();
      const answer = await sent.answer;
      expect(await answer.json()).toMatchObject({ code: "cart_spent", order: { id: other.body.id } });
      await Promise.all(sent.deferred);
      await stage.mustHold();
      await stage.settle();
      expect(await ordersOf(cart.id)).toEqual(["confirmed"]);
    },
  );

  test(
    "past its holds' deadline, while the units are sold in another cart, sells none twice",
    LONG,
    async () => {
      for (let at = 1; at <= 4; at++) {
        const { stage, cart } = await givenStage([1, 1]);
        const stalled = new Boundary({ at, ending: "stalls" });
        const sent = click(stalled, cart);
        await stalled.reached;
        await stage.settle();
        const others = await givenCart(Object.fromEntries(stage.productIds.map((id) => [id, 1])));
        const theirs = await checkout(others);
        stalled.wake();
        const answer = await sent.answer;
        await Promise.all(sent.deferred);
        await stage.mustHold();
        await stage.settle();
        expect([theirs.status, answer.status]).toEqual([201, 409]);
        stalled.bury();
      }
    },
  );
});

test("twenty at once, in tabs with and without keys, are one order", LONG, async () => {
  const stage = await Stage.build([20, 20]);
  const cart = await givenCart(Object.fromEntries(stage.productIds.map((id) => [id, 1])));
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, tab) =>
      checkout(cart, { ...BUYER, notes: `tab ${tab % 5}` }, tab % 2 ? freshKey() : {}),
    ),
  );
  const won = new Set(answers.flatMap(({ status, body }) => (status === 201 ? [body.id] : [])));
  expect(won.size).toBe(1);
  for (const answer of answers) {
    if (answer.status !== 201) expect(refusalOf(answer)).toEqual([409, "cart_spent"]);
  }
  await stage.mustHold();
  await stage.settle();
  expect(won).toContain(await mustBeSpentOnce(stage, cart));
});
