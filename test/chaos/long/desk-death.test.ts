import { expect, test } from "vitest";
import type { Draft } from "../../../src/orders/place/draft.ts";
import { givenCart } from "../../carts/shopping.ts";
import { atEveryCall } from "../at-every-call.ts";
import type { Ending } from "../boundary.ts";
import { reserved } from "../carts.ts";
import { draftOfTab, livingOf, mustBeWhole, orderOf, place } from "../desk-groups.ts";
import { Stage } from "../stage.ts";

/** It owes no mail, so that little is left to do afterwards. */
const CARD = { payment_method: "card" };

/** To fail before a call has an effect is as good as to fail after the one before it. */
const ENDINGS = { endings: ["dies after", "answer lost", "comes late"] as Ending[] };

test("a desk that ends anywhere with seven orders, of which one spoils the batch and one finds no units left, a twin and a second tab", {
  timeout: 600_000,
}, async () => {
  await atEveryCall(async (boundary, ending) => {
    const stage = await Stage.build([5, 5]);
    const cart = await givenCart(Object.fromEntries(stage.productIds.map((id) => [id, 1])));
    const seven = [
      ...[false, true, false, true, false, true].map((keyed) => orderOf(stage, keyed, CARD)),
      await draftOfTab(cart),
    ];
    const [, twinned, , spoiling] = seven;
    if (!twinned || !spoiling) throw new Error("there are fewer than seven");
    spoiling.reference = seven[0]?.reference ?? "";
    const twin: Draft = { ...orderOf(stage, false, CARD), key: twinned.key };
    const kinds = await place(boundary, [...seven, twin, await draftOfTab(cart)]);
    await stage.mustHold();
    if (ending === null) {
      expect((await reserved(stage))[0]).toBe(5);
      expect(await Promise.all([livingOf(twinned), livingOf(twin)])).toEqual([1, 1]);
    }
    await boundary.deliver();
    await stage.mustHold();
    await stage.settle();
    await mustBeWhole(stage, kinds, 5);
    return undefined;
  }, ENDINGS);
});
