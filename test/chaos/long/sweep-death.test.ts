import { expect, test } from "vitest";
import { testClock } from "../../support/clock.ts";
import { placed, post } from "../../support/shop.ts";
import { atEveryCall } from "../at-every-call.ts";
import { ordersUnder, outcomeOf, Stage, send, sweep } from "../stage.ts";

/** Death at every await, as in chaos/death.test.ts: what ends long after it began, by the minute's sweep. */

let keys = 0;

test("an expiry by the sweep frees the units once, however the sweep ends", {
  timeout: 150_000,
}, async () => {
  await atEveryCall(async (boundary) => {
    const stage = await Stage.build([1, 1]);
    const order = await placed(await post("/orders", stage.order({ payment_method: "card" })));
    testClock.advance(31 * 60_000);
    const swept = sweep(boundary);
    swept.catch(() => {});
    await Promise.race([swept, boundary.reached]).catch(() => {});
    await stage.mustHold();
    await boundary.deliver();
    await stage.mustHold();
    await stage.settle();
    await stage.mustBeExpired(order);
  });
});

test("an order that its buyer sends again much later is placed exactly once", {
  timeout: 60_000,
}, async () => {
  await atEveryCall(async (boundary) => {
    const stage = await Stage.build([1, 1]);
    const key = { "Idempotency-Key": `a-guest-key-of-this-test-${++keys}` };
    await outcomeOf(send(boundary, "/orders", stage.order(), key), boundary);
    await stage.settle();
    expect((await placed(await post("/orders", stage.order(), key))).status).toBe("confirmed");
    await boundary.deliver();
    await stage.mustHold();
    await stage.settle();
    expect(await ordersUnder(key["Idempotency-Key"])).toBe(1);
  });
});
