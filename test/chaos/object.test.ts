import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { testClock } from "../support/clock.ts";
import { givenShop } from "../support/shop.ts";

const HOUR = 3_600_000;
const stub = (id: string) => env.STOCK.get(env.STOCK.idFromName(id));
const one = (claim: string) => ({ claim, orderId: "ord_1", quantity: 1, stores: [], only: false });

test("an object that was evicted arms what its storage says comes next", async () => {
  const [apple = ""] = (await givenShop([[5]])).productIds;
  const start = testClock.now();
  /** Seconds from the start until its alarm. */
  const armedFor = () =>
    runInDurableObject(stub(apple), async (_object, state) => {
      const at = await state.storage.getAlarm();
      return at === null ? null : Math.round((at - start) / 1_000);
    });
  await stockOf(env, apple).reserve(apple, [one("clm_1")], HOUR);
  testClock.advance(10_000);
  await runDurableObjectAlarm(stub(apple));
  // The report is told again in a minute, unless something new is to be told before.
  expect(await armedFor()).toBe(70);
  await evictDurableObject(stub(apple));
  expect(await armedFor()).toBe(70);
  await stockOf(env, apple).reserve(apple, [one("clm_2")], 2 * HOUR);
  expect(await armedFor()).toBe(11);
  // A hold that is due a second from now waits ten more for others; the report comes before it.
  await evictDurableObject(stub(apple));
  await stockOf(env, apple).reserve(apple, [one("clm_3")], 1_000);
  expect(await armedFor()).toBe(11);
  testClock.advance(2_000);
  await runDurableObjectAlarm(stub(apple));
  expect(await armedFor()).toBe(21);
});

test("more holds than one alarm asks for come due at once, and are all let go", async () => {
  const [apple = ""] = (await givenShop([[2_000]])).productIds;
  const requests = Array.from({ length: 1_200 }, (_, index) => one(`clm_${index}`));
  await stockOf(env, apple).reserve(apple, requests, HOUR);
  expect(await stockOf(env, apple).levels()).toMatchObject({ reserved: 1_200 });
  testClock.advance(HOUR + 10_000);
  for (let alarms = 0; alarms < 3; alarms++) await runDurableObjectAlarm(stub(apple));
  expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 2_000, reserved: 0 });
});
