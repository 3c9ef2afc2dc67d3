import { describe, expect, test } from "vitest";
import { givenCart } from "../carts/shopping.ts";
import { atEveryCall } from "./at-every-call.ts";
import { Boundary } from "./boundary.ts";
import { draftOfTab, LONG, mustBeWhole, orderOf, place } from "./desk-groups.ts";
import { Stage } from "./stage.ts";

/** See desk-groups.ts. A group of seven is in long/desk-death.test.ts. */

describe("a desk that ends anywhere", () => {
  test.each([1, 2])("with a group of %i", LONG, async (size) => {
    await atEveryCall(async (boundary, ending) => {
      // Twice as many units: an order that is placed twice would find them.
      const stage = await Stage.build([2 * size, 2 * size]);
      const drafts = Array.from({ length: size }, (_, index) => orderOf(stage, index === 1));
      const kinds = await place(boundary, drafts);
      if (ending === null) expect([...kinds.values()]).toEqual(drafts.map(() => "decided"));
      await stage.mustHold();
      await boundary.deliver();
      await stage.mustHold();
      return { stage, afterwards: () => mustBeWhole(stage, kinds, size) };
    });
  });
});

test("two tabs of one cart, handed in at the same moment, are one order", async () => {
  const stage = await Stage.build([3, 3]);
  const cart = await givenCart(Object.fromEntries(stage.productIds.map((id) => [id, 1])));
  const drafts = [orderOf(stage, false), await draftOfTab(cart), await draftOfTab(cart)];
  const kinds = await place(new Boundary(), drafts);
  expect([...kinds.values()].sort()).toEqual(["decided", "decided", "refused"]);
  await stage.mustHold();
  await mustBeWhole(stage, kinds, 2);
});
