import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { stockOf } from "../../../src/inventory/client.ts";
import { reconcileStock } from "../../../src/ops/reconcile/reconcile-all.ts";
import { brokenBy } from "../../chaos/checks.ts";
import { COUNTS } from "../../chaos/counts.ts";
import { brokenInvariants } from "../../chaos/invariants.ts";
import { testContext } from "../../events/context.ts";
import { answerOf } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { basket, post } from "../../support/shop.ts";
import {
  alarmOf,
  claimOfOrder,
  forgetAlarm,
  givenProduct,
  letCommandsArrive,
  levelsOf,
  MINUTE,
  placeUnits,
  plant,
  reconcile,
  rowsIn,
} from "./plant.ts";

const CLEAN = { checked: 1, drift: [], drifts: 0, repaired: 0, open: {}, next: null };

/** Reports it, changes nothing; mends it; finds nothing more, and mends nothing more. */
async function mendsExactly(
  { productId, staff }: { productId: string; staff: Record<string, string> },
  drift: Record<string, unknown>[],
  states: string[] = drift.map(() => "repaired"),
): Promise<void> {
  const before = await rowsIn(productId, "SELECT * FROM movements");
  const found = drift.map((one) => ({ product_id: productId, ...one, state: "found" }));
  const look = await reconcile(staff, { product_ids: [productId] });
  expect(look.body).toMatchObject({ checked: 1, repaired: 0 });
  expect(look.body.drift).toMatchObject(found);
  expect(look.body.drift).toHaveLength(drift.length);
  expect(await rowsIn(productId, "SELECT * FROM movements")).toEqual(before);

  const mended = await reconcile(staff, { product_ids: [productId], repair: true });
  expect(mended.body.drift).toMatchObject(drift.map((one, index) => ({ ...one, state: states[index] })));
  expect(mended.body.repaired).toBe(states.filter((state) => state === "repaired").length);
}

async function isCleanNow({ productId, staff }: { productId: string; staff: Record<string, string> }) {
  const movements = await rowsIn(productId, "SELECT * FROM movements");
  expect((await reconcile(staff, { product_ids: [productId], repair: true })).body).toEqual(CLEAN);
  expect((await reconcile(staff)).body).toEqual(CLEAN);
  expect(await rowsIn(productId, "SELECT * FROM movements")).toEqual(movements);
}

const lastMovement = async (productId: string) =>
  (await stockOf(env, productId).movements(null, 1)).movements[0];

describe("each kind of drift is found and mended exactly", () => {
  test("a level that is not the sum of its ledger is rebuilt from it, and the ledger notes what it was", async () => {
    const shop = await givenProduct(5);
    await placeUnits(shop.productId, 2);
    await plant(shop.productId, "UPDATE levels SET on_hand = 9");
    await mendsExactly(shop, [{ kind: "level_ledger", store_id: shop.storeId }, { kind: "projection" }]);
    expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 5, reserved: 2 });
    expect(await lastMovement(shop.productId)).toMatchObject({
      type: "correction",
      quantity: 0,
      reason: "reconcile: the level was 9, of which 2 reserved",
      actor: "system:reconcile",
      reference: expect.stringMatching(/^reconcile-/),
    });
    await isCleanNow(shop);
  });

  test("reserved is what the open holds keep", async () => {
    const shop = await givenProduct(5);
    await placeUnits(shop.productId, 2);
    await plant(shop.productId, "UPDATE levels SET reserved = 4");
    await mendsExactly(shop, [{ kind: "level_ledger" }, { kind: "level_holds" }, { kind: "projection" }]);
    expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 5, reserved: 2 });
    await isCleanNow(shop);
  });

  test("a lost line of the ledger is added as a correction", async () => {
    const shop = await givenProduct(5);
    await placeUnits(shop.productId, 2);
    await plant(shop.productId, "DELETE FROM movements WHERE type = 'reserve'");
    await mendsExactly(shop, [{ kind: "level_ledger" }]);
    expect(await lastMovement(shop.productId)).toMatchObject({
      type: "correction",
      quantity: 2,
      before: { on_hand: 5, reserved: 0 },
      after: { on_hand: 5, reserved: 2 },
    });
    await isCleanNow(shop);
  });

  test("more on hold than the ledger has on hand waits for a person, who can end it", async () => {
    const shop = await givenProduct(5);
    await placeUnits(shop.productId, 4);
    await plant(
      shop.productId,
      "UPDATE movements SET on_hand_after = 3, quantity = 3 WHERE type = 'opening'",
    );
    await mendsExactly(shop, [{ kind: "level_ledger" }], ["unbalanced"]);
    expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 5, reserved: 4 });
    const event = await env.DB.prepare("SELECT object_id FROM events WHERE type = 'stock.drift'").all();
    expect(event.results).toEqual([{ object_id: shop.productId }]);

    const counted = { store_id: shop.storeId, type: "add", quantity: 1, reason: "counted" };
    expect((await post(`/inventory/${shop.productId}/adjust`, counted, shop.staff)).status).toBe(201);
    await mendsExactly(shop, [{ kind: "level_ledger" }]);
    expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 4, reserved: 4 });
    await isCleanNow(shop);
  });

  test("a dead hold whose order let go of it is released by the ordinary way", async () => {
    const shop = await givenProduct(5);
    const order = await placeUnits(shop.productId, 2);
    await env.DB.prepare("UPDATE orders SET status = 'cancelled', version = 2").run();
    expect((await reconcile(shop.staff)).body).toEqual(CLEAN);
    letCommandsArrive();
    await mendsExactly(shop, [{ kind: "dead_hold", order_id: order.id }]);
    expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 5, reserved: 0 });
    expect(await lastMovement(shop.productId)).toMatchObject({ type: "release", quantity: 2 });
    await isCleanNow(shop);
  });

  test("a hold of a claim that D1 never heard of is fenced before it is let go", async () => {
    const shop = await givenProduct(5);
    await stockOf(env, shop.productId).reserve(
      shop.productId,
      [{ claim: "clm_lost", orderId: "ord_lost", quantity: 3, stores: [], only: false }],
      testClock.now() + 60 * MINUTE,
    );
    testClock.advance(61 * MINUTE);
    expect((await reconcile(shop.staff)).body.drift).toEqual([]);
    testClock.advance(2 * MINUTE);
    await plant(shop.productId, "UPDATE claims SET version = 3");
    await mendsExactly(shop, [{ kind: "dead_hold", claim: "clm_lost", order_id: "ord_lost" }]);
    expect(await env.DB.prepare("SELECT id, fate FROM claims").all()).toMatchObject({
      results: [{ id: "clm_lost", fate: "abandoned" }],
    });
    expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 5, reserved: 0 });
    await isCleanNow(shop);
  });

  test.each([
    ["was lost", "DELETE FROM claims"],
    ["was let go", "UPDATE claims SET state = 'settled', version = 7"],
  ])("a living order whose hold %s gets its units back", async (_, loss) => {
    const shop = await givenProduct(5);
    const order = await placeUnits(shop.productId, 2);
    const claim = await claimOfOrder(order.id);
    await plant(shop.productId, loss, "UPDATE claims SET parts = json_set(parts, '$[0].kept', 0)");
    await plant(
      shop.productId,
      "UPDATE levels SET reserved = 0",
      "DELETE FROM movements WHERE type = 'reserve'",
    );
    const unheld = { kind: "order_unheld", claim, order_id: order.id, store_id: shop.storeId };
    await mendsExactly(shop, [unheld, { kind: "projection" }]);
    expect(await stockOf(env, shop.productId).holds()).toMatchObject([
      { claim, order_id: order.id, confirmed: true, allocations: [{ store_id: shop.storeId, quantity: 2 }] },
    ]);
    expect(await lastMovement(shop.productId)).toMatchObject({
      type: "correction",
      quantity: 2,
      reason: "reconcile",
      order_id: order.id,
    });
    await isCleanNow(shop);
    expect(await brokenInvariants(new Map([[shop.productId, 5]]), { calm: false })).toEqual([]);
  });

  test("where the units are gone the order is short, and an event says so", async () => {
    const shop = await givenProduct(2);
    const order = await placeUnits(shop.productId, 2);
    await plant(
      shop.productId,
      "DELETE FROM claims",
      "UPDATE levels SET reserved = 0",
      "DELETE FROM movements WHERE type = 'reserve'",
    );
    await placeUnits(shop.productId, 1);
    await mendsExactly(shop, [{ kind: "order_unheld", order_id: order.id }], ["short"]);
    expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 2, reserved: 1 });
    const event = await env.DB.prepare("SELECT data FROM events WHERE type = 'stock.drift'").first<string>(
      "data",
    );
    expect(JSON.parse(event ?? "")).toMatchObject({ drift: [{ kind: "order_unheld", state: "short" }] });
    expect(await reconcileStock(testContext(), { id: "run_1", startedAt: 0 })).toBe(
      `1 products checked, 1 drifts, 0 repaired; open: 1 order_unheld short (${shop.productId})`,
    );
  });

  test("a hold that keeps more than its order has to ship lets go of the rest", async () => {
    const shop = await givenProduct(5);
    const order = await placeUnits(shop.productId, 2);
    await plant(
      shop.productId,
      "UPDATE claims SET version = 1",
      "UPDATE claims SET parts = json_set(parts, '$[0].kept', 3)",
      "UPDATE levels SET reserved = 3",
      "UPDATE movements SET reserved_after = 3 WHERE type = 'reserve'",
    );
    letCommandsArrive();
    await mendsExactly(shop, [{ kind: "hold_differs", order_id: order.id }, { kind: "projection" }]);
    expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 5, reserved: 2 });
    await isCleanNow(shop);
  });

  test("what D1 says was shipped leaves, and what left though D1 does not say so is left to a person", async () => {
    const shop = await givenProduct(5);
    const order = await placeUnits(shop.productId, 3);
    const shipped = (units: number) =>
      env.DB.prepare("UPDATE order_items SET allocations = ?1")
        .bind(JSON.stringify([{ store_id: shop.storeId, quantity: 3, shipped: units }]))
        .run();
    await shipped(2);
    await plant(shop.productId, "UPDATE claims SET version = 1");
    letCommandsArrive();
    await mendsExactly(shop, [{ kind: "hold_differs", order_id: order.id }]);
    expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 3, reserved: 1 });
    await isCleanNow(shop);
    await shipped(0);
    await mendsExactly(shop, [{ kind: "order_unheld" }, { kind: "hold_differs" }], ["shipped", "shipped"]);
    expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 3, reserved: 1 });
  });

  test.each([
    ["says other numbers", "UPDATE stock_levels SET on_hand = 50, available = 50"],
    ["lost a row", "DELETE FROM stock_levels"],
    ["has a row of another life", "UPDATE stock_levels SET epoch = epoch + 1000000"],
    [
      "has a store that never was",
      "INSERT INTO stock_levels SELECT product_id, 'sto_never', 1, 0, 1, epoch, version, updated_at, state, sort_title FROM stock_levels",
    ],
  ])(
    "a projection that %s is told again",
    async (_, fault) => {
      const shop = await givenProduct(5);
      await placeUnits(shop.productId, 2);
      await told(shop.productId);
      await env.DB.exec(fault);
      await mendsExactly(shop, [{ kind: "projection" }]);
      await told(shop.productId);
      const { results } = await env.DB.prepare(
        "SELECT store_id, on_hand, reserved, available FROM stock_levels",
      ).all();
      expect(results).toEqual([{ store_id: shop.storeId, on_hand: 5, reserved: 2, available: 3 }]);
      expect(await brokenBy(COUNTS)).toEqual([]);
      await isCleanNow(shop);
    },
    30_000,
  );

  test("a projection that nobody will tell is told again", async () => {
    const shop = await givenProduct(5);
    await forgetAlarm(shop.productId);
    await plant(shop.productId);
    letCommandsArrive();
    await mendsExactly(shop, [{ kind: "projection" }]);
    await told(shop.productId);
    await isCleanNow(shop);
  }, 30_000);

  test("a slept alarm is set again", async () => {
    const shop = await givenProduct(5);
    await placeUnits(shop.productId, 2);
    await told(shop.productId);
    await forgetAlarm(shop.productId);
    await mendsExactly(shop, [{ kind: "alarm_asleep" }]);
    expect(await alarmOf(shop.productId)).toBe(await asksAt(shop.productId));
    await isCleanNow(shop);
  }, 30_000);

  test("an alarm that rings by a clock ahead of ours does not sleep", async () => {
    const shop = await givenProduct(5);
    await placeUnits(shop.productId, 2);
    await told(shop.productId);
    await forgetAlarm(shop.productId);
    testClock.advance((await asksAt(shop.productId)) - 1_000 - testClock.now());
    await isCleanNow(shop);
  }, 30_000);

  /** A hold that is due waits ten seconds for others. */
  async function asksAt(productId: string): Promise<number> {
    const [first] = await rowsIn(productId, "SELECT MIN(ask_at) AS due FROM claims WHERE state = 'open'");
    return (first as { due: number }).due + 10_000;
  }

  /** Lets the object hear what orders have told the projection, and wakes it until that has acknowledged all. */
  async function told(productId: string): Promise<void> {
    const known = await env.DB.prepare("SELECT epoch, version FROM stock_levels WHERE product_id = ?1")
      .bind(productId)
      .first<{ epoch: number; version: number }>();
    if (known) await stockOf(env, productId).reported(known.epoch, known.version);
    testClock.advance(5_000);
    await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(productId)));
    await vi.waitFor(
      async () =>
        expect(
          await rowsIn(productId, "SELECT (SELECT max(version) FROM levels) - acked AS untold FROM meta"),
        ).toEqual([{ untold: 0 }]),
      8_000,
    );
  }
});

test("a mend that comes after its claim went on does nothing", async () => {
  const shop = await givenProduct(5);
  const order = await placeUnits(shop.productId, 2);
  const claim = await claimOfOrder(order.id);
  await stockOf(env, shop.productId).follow(shop.productId, [{ claim, version: 2, state: {} }]);
  const hold = { claim, orderId: order.id, version: 1, seen: 0, askAt: null };
  const late = { ...hold, state: { [shop.storeId]: { keep: 2, shipped: 0 } } };
  const command = { operation: "reconcile-1", balance: false, holds: [late], tellBeyond: null };
  expect(await stockOf(env, shop.productId).mend(shop.productId, command)).toEqual({
    unbalanced: [],
    holds: [{ kind: "moved" }],
  });
  expect(await levelsOf(shop.productId)).toMatchObject({ on_hand: 5, reserved: 0 });
});

test("a busy shop has no drift: twenty orders at once, some short, some cancelled", async () => {
  const shop = await givenProduct(30);
  const buyers = Array.from({ length: 20 }, async (_, index) => {
    const answer = await answerOf(post("/orders", basket({ [shop.productId]: 2 })));
    if (answer.status === 201 && index % 3 === 0) {
      await post(`/orders/${answer.body.id}/cancel`, undefined, {
        "X-Order-Token": answer.body.access_token,
      });
    }
    return answer.status;
  });
  let selling = true;
  const looks = (async () => {
    let count = 0;
    while (selling || count === 0) {
      expect((await reconcile(shop.staff, { repair: count % 2 === 1 })).body).toEqual(CLEAN);
      count++;
    }
    return count;
  })();
  const statuses = await Promise.all(buyers);
  selling = false;
  expect(await looks).toBeGreaterThan(0);
  expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(15);
  expect(await brokenInvariants(new Map([[shop.productId, 30]]), { calm: false })).toEqual([]);
}, 60_000);

describe("the request", () => {
  test("is for staff, and names what it does not know", async () => {
    const shop = await givenProduct(1);
    expect((await reconcile({})).status).toBe(401);
    const unknown = await reconcile(shop.staff, { product_ids: [shop.productId, "prd_none"] });
    expect(unknown).toMatchObject({ status: 422, body: { errors: [{ field: "product_ids.1" }] } });
    expect((await reconcile(shop.staff, { product_ids: [] })).status).toBe(422);
    expect((await reconcile(shop.staff, { product_ids: Array(101).fill("prd_x") })).status).toBe(422);
    expect((await reconcile(shop.staff, { product_ids: [shop.productId], after: "x" })).status).toBe(422);
    expect(await rowsIn("prd_none", "SELECT name FROM sqlite_master")).toEqual([]);
  });

  test("under a key is answered once", async () => {
    const shop = await givenProduct(5);
    await placeUnits(shop.productId, 2);
    await plant(shop.productId, "UPDATE levels SET on_hand = 9");
    const headers = { ...shop.staff, "Idempotency-Key": "night-1" };
    const first = await reconcile(headers, { repair: true });
    expect(first.body).toMatchObject({ repaired: 2 });
    expect((await reconcile(headers, { repair: true })).text).toBe(first.text);
  });

  test("goes on after the last product that was looked at", async () => {
    const shop = await givenProduct(5);
    expect((await reconcile(shop.staff, { after: shop.productId })).body).toEqual({ ...CLEAN, checked: 0 });
    expect((await reconcile(shop.staff, { after: "prd_" })).body).toEqual(CLEAN);
  });
});
