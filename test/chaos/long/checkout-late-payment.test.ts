import { describe, expect, test } from "vitest";
import { BUYER, BY_CARD, checkout, type GivenCart, givenCart, ordersOf } from "../../carts/shopping.ts";
import { refusalOf } from "../../orders/ask.ts";
import { atEveryCall, forgetMailsBut, LONG, mustBeEither, reserved } from "../../payments/settle/endings.ts";
import { MINUTE, Till, tell } from "../../payments/settle/till.ts";
import { testClock } from "../../support/clock.ts";
import { Boundary } from "../boundary.ts";
import { click } from "../carts.ts";

/** A payment revives an expired order while its cart is ordered again: one of the two lives, at every step. */

async function given(): Promise<{ till: Till; cart: GivenCart; first: { id: string; reference: string } }> {
  const till = await Till.open(4, 4);
  const cart = await givenCart(Object.fromEntries(till.productIds.map((id) => [id, 1])));
  const first = (await checkout(cart, BY_CARD)).body;
  testClock.advance(31 * MINUTE);
  await till.expire();
  await till.drain();
  return { till, cart, first };
}

const ONE_LIVES = [["confirmed"], ["expired", "confirmed"]];

async function mustBeOne(till: Till, cart: GivenCart, first: { id: string }): Promise<"paid" | "expired"> {
  await till.settle();
  expect(ONE_LIVES).toContainEqual(await ordersOf(cart.id));
  expect(await reserved(till)).toEqual([1, 1]);
  forgetMailsBut(till, first.id);
  return mustBeEither(till, first.id);
}

describe("a late payment", () => {
  test("whose cart was ordered again goes back once, however its worker ends", LONG, async () => {
    await atEveryCall(async (boundary) => {
      const { till, cart, first } = await given();
      expect((await checkout(cart, BUYER)).status).toBe(201);
      const { workId } = await tell(first);
      await till.work([workId], boundary);
      await till.mustHold();
      expect(await mustBeOne(till, cart, first)).toBe("expired");
    });
  });

  test("that stalls anywhere while its cart is ordered again lets one of them live", LONG, async () => {
    const ends = new Set<string>();
    for (let at = 0; at < 9; at++) {
      const { till, cart, first } = await given();
      const { workId } = await tell(first);
      const stalled = new Boundary({ at, ending: "stalls" });
      const worked = till.work([workId], stalled);
      await stalled.reached;
      const again = await checkout(cart, BUYER);
      await till.mustHold();
      stalled.wake();
      await worked;
      await new Promise((resolve) => setTimeout(resolve, 100));
      await till.mustHold();
      const end = await mustBeOne(till, cart, first);
      expect(again.status).toBe(end === "paid" ? 409 : 201);
      ends.add(end);
    }
    // Until its own batch is written, the checkout is first.
    expect([...ends]).toEqual(["expired"]);
  });
});

test(
  "a checkout that stalls anywhere while its cart's expired order is paid lets one of them live",
  LONG,
  async () => {
    for (let at = 1; at <= 4; at++) {
      const { till, cart, first } = await given();
      const stalled = new Boundary({ at, ending: "stalls" });
      const sent = click(stalled, cart);
      await stalled.reached;
      const { workId } = await tell(first);
      await till.work([workId]);
      await till.mustHold();
      stalled.wake();
      const answer = await sent.answer;
      await Promise.all(sent.deferred);
      const body = await answer.json();
      expect(refusalOf({ status: answer.status, body } as never)).toEqual([409, "cart_spent"]);
      expect(body).toMatchObject({ order: { id: first.id } });
      await till.mustHold();
      expect(await mustBeOne(till, cart, first)).toBe("paid");
    }
  },
);
