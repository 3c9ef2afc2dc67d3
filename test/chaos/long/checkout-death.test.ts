import { describe, expect, test } from "vitest";
import { ask, BUYER, checkout, givenCart, ordersOf, putItem, read } from "../../carts/shopping.ts";
import { refusalOf } from "../../orders/ask.ts";
import { atEveryCall } from "../at-every-call.ts";
import {
  CALLS,
  click,
  freshKey,
  givenStage,
  LONG,
  mustBeOneOrder,
  mustBeSpentOnce,
  reserved,
} from "../carts.ts";
import { outcomeOf, send } from "../stage.ts";

describe("a checkout that ends anywhere", () => {
  test("is one order when its buyer clicks again at once", LONG, async () => {
    expect(await atEveryCall((boundary) => mustBeOneOrder(boundary, {}))).toEqual(CALLS);
  });

  test("is one order when its buyer comes again under the same key", LONG, async () => {
    expect(await atEveryCall((boundary) => mustBeOneOrder(boundary, freshKey()))).toEqual(CALLS);
  });

  test("leaves a cart that is spent by a living order, or free", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const { stage, cart } = await givenStage();
      await outcomeOf(click(boundary, cart), boundary);
      await boundary.deliver();
      await stage.mustHold();
      await stage.settle();
      const statuses = await ordersOf(cart.id);
      const { order } = (await read(cart)).body;
      expect([order === null, statuses, await reserved(stage)]).toEqual(
        order === null ? [true, [], [0, 0]] : [false, ["confirmed"], [1, 1]],
      );
      const [apple = ""] = stage.productIds;
      expect((await putItem(cart, apple, 2)).status).toBe(order === null ? 200 : 409);
    });
  });

  test("beside another tab is one order of either, and the other holds nothing", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const { stage, cart } = await givenStage();
      const first = click(boundary, cart, freshKey());
      const other = freshKey();
      const second = checkout(cart, BUYER, other);
      await outcomeOf(first, boundary);
      await stage.mustHold();
      const answer = await second;
      // A part that failed may have made the second come again; it never makes two.
      const again = answer.status === 503 ? await checkout(cart, BUYER, other) : answer;
      if (again.status !== 201) expect(refusalOf(again)).toEqual([409, "cart_spent"]);
      await boundary.deliver();
      await stage.mustHold();
      await stage.settle();
      const spentBy = await mustBeSpentOnce(stage, cart);
      expect((again.status === 201 ? again.body : again.body.order).id).toBe(spentBy);
    });
  });

  test("while it falls short leaves the cart free and nothing held", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const { stage, cart } = await givenStage([1, 0]);
      await outcomeOf(click(boundary, cart), boundary);
      await stage.mustHold();
      expect(refusalOf(await checkout(cart))).toEqual([409, "insufficient_stock"]);
      await boundary.deliver();
      await stage.mustHold();
      await stage.settle();
      expect(await reserved(stage)).toEqual([0, 0]);
      expect((await read(cart)).body.order).toBe(null);
    });
  });
});

test("a guest who signs in is merged once, however the sign-in ends", LONG, async () => {
  const ADA = { password: "analytical engine" };
  let buyers = 0;
  await atEveryCall(async (boundary) => {
    // A sign-in that ended anywhere stays counted against its address, so each has its own.
    const address = { "CF-Connecting-IP": `198.51.100.${++buyers}` };
    const { stage, cart } = await givenStage();
    const email = `ada-${cart.id}@shop.example`;
    const { access_token } = (await ask("POST", "/auth/register", { ...ADA, email, name: "Ada" })).body;
    const user = { Authorization: `Bearer ${access_token}` };
    const [apple = ""] = stage.productIds;
    const users = await givenCart({ [apple]: 3 }, user);
    const headers = { ...cart.headers, ...address };
    await outcomeOf(send(boundary, "/auth/token", { ...ADA, email }, headers), boundary);
    const again = await ask("POST", "/auth/token", { ...ADA, email }, headers);
    expect(again.body.cart_id).toBe(users.id);
    await boundary.deliver();
    const { items } = (await read(users)).body;
    expect(items.map(({ quantity }: { quantity: number }) => quantity)).toEqual([4, 1]);
  });
});
