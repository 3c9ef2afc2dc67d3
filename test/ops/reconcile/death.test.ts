import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { Boundary, ENDINGS } from "../../chaos/boundary.ts";
import { brokenInvariants } from "../../chaos/invariants.ts";
import { outcomeOf, send } from "../../chaos/stage.ts";
import { testClock } from "../../support/clock.ts";
import { basket, givenShop, placed, post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import { letCommandsArrive, levelsOf, MINUTE, placeUnits, plant, reconcile } from "./plant.ts";

/** One product with a hold that nobody stands behind, an order without its units, and a wrong level. */
async function givenDrift() {
  const { productIds } = await givenShop([[9]]);
  const [productId = ""] = productIds;
  const staff = (await signIn("staff")).headers;
  const lost = await placed(await post("/orders", basket({ [productId]: 2 })));
  await plant(
    productId,
    "DELETE FROM claims",
    "UPDATE levels SET reserved = 0",
    "DELETE FROM movements WHERE type = 'reserve'",
  );
  await placeUnits(productId, 1);
  await stockOf(env, productId).reserve(
    productId,
    [{ claim: "clm_lost", orderId: "ord_lost", quantity: 3, stores: [], only: false }],
    testClock.now() + 60 * MINUTE,
  );
  await plant(productId, "UPDATE levels SET on_hand = 8");
  testClock.advance(61 * MINUTE);
  letCommandsArrive();
  return { productId, staff, lost };
}

test("a repair that ends at any call leaves nothing worse, and the next one ends it", {
  timeout: 120_000,
}, async () => {
  const calls = await callsOfRepair();
  expect(calls).toBeGreaterThanOrEqual(6);
  for (let at = 0; at < calls; at++) {
    for (const ending of ENDINGS) {
      const { productId, staff, lost } = await givenDrift();
      const boundary = new Boundary({ at, ending });
      await outcomeOf(
        send(boundary, "/inventory/reconcile", { product_ids: [productId], repair: true }, staff),
        boundary,
      );
      const { reserved, on_hand } = await levelsOf(productId);
      // Nothing mended yet, or all of it: the object is told in one turn.
      expect([
        [8, 4],
        [9, 3],
      ]).toContainEqual([on_hand, reserved]);
      const fate = await env.DB.prepare("SELECT fate FROM claims WHERE id = 'clm_lost'").first<string>(
        "fate",
      );
      if (reserved === 3) expect(fate).toBe("abandoned");

      await reconcile(staff, { product_ids: [productId], repair: true });
      const again = await reconcile(staff, { product_ids: [productId], repair: true });
      expect(again.body).toMatchObject({ checked: 1, drift: [], repaired: 0 });
      expect(await levelsOf(productId)).toMatchObject({ on_hand: 9, reserved: 3 });
      expect(await stockOf(env, productId).holds()).toContainEqual(
        expect.objectContaining({ order_id: lost.id, confirmed: true }),
      );
      expect(await brokenInvariants(new Map([[productId, 9]]), { calm: false })).toEqual([]);
      boundary.bury();
    }
  }
});

test("a cancel between the judgement and the mend wins, whichever comes first", {
  timeout: 60_000,
}, async () => {
  const calls = await callsOfRepair();
  for (let at = 0; at < calls; at++) {
    const { productId, staff, lost } = await givenDrift();
    const boundary = new Boundary({ at, ending: "stalls" });
    const sent = send(boundary, "/inventory/reconcile", { product_ids: [productId], repair: true }, staff);
    await Promise.race([boundary.reached, sent.answer]);
    const token = { "X-Order-Token": lost.access_token ?? "" };
    expect((await post(`/orders/${lost.id}/cancel`, {}, token)).status).toBe(200);
    boundary.wake();
    await sent.answer;
    await Promise.all(sent.deferred);
    letCommandsArrive();
    await reconcile(staff, { product_ids: [productId], repair: true });
    expect((await reconcile(staff, { product_ids: [productId] })).body.drift).toEqual([]);
    expect(await levelsOf(productId)).toMatchObject({ on_hand: 9, reserved: 1 });
    boundary.bury();
  }
});

async function callsOfRepair(): Promise<number> {
  const { productId, staff } = await givenDrift();
  const boundary = new Boundary();
  await send(boundary, "/inventory/reconcile", { product_ids: [productId], repair: true }, staff).answer;
  return boundary.calls.length;
}

test("what moves between the parts of a look is no drift", { timeout: 60_000 }, async () => {
  for (let at = 0; at < 4; at++) {
    const { productIds } = await givenShop([[9]]);
    const [productId = ""] = productIds;
    const staff = (await signIn("staff")).headers;
    const order = await placeUnits(productId, 2);
    const boundary = new Boundary({ at, ending: "stalls" });
    const sent = send(boundary, "/inventory/reconcile", { product_ids: [productId] }, staff);
    await boundary.reached;
    const token = { "X-Order-Token": order.access_token ?? "" };
    expect((await post(`/orders/${order.id}/cancel`, {}, token)).status).toBe(200);
    await placeUnits(productId, 3);
    boundary.wake();
    expect(await (await sent.answer).json()).toMatchObject({ checked: 1, drift: [] });
    boundary.bury();
  }
});
