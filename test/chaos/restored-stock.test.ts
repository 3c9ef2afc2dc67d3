import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { restoreShop } from "../../src/cli/restore-shop.ts";
import { stockOf } from "../../src/inventory/client.ts";
import type { Drift } from "../../src/ops/reconcile/drift.ts";
import { firstOfEach } from "../../src/ops/reconcile/reconcile.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { givenAdmin, quiet, recordShipments, saved } from "./shop-backup.ts";
import { sweep } from "./stage.ts";

/**
 * The objects of a backup are younger than its orders: what happened in between is in the objects alone. The reconciliation
 * of a restore brings both together, and the shop opens without anybody being sold what is not there.
 */

const HOUR = 3_600_000;

/** One unit, and a backup in which this happened after D1 was read and before the objects were. */
async function givenBackup(productId: string, between: () => Promise<void>) {
  const { headers } = await givenAdmin();
  let done = false;
  const { api } = await givenAdmin(async (_method, path) => {
    if (!path.startsWith("/ops/backup/stock") || done) return;
    done = true;
    await between();
  });
  const { backup } = await saved(api);
  return {
    headers,
    restore: () => restoreShop(api, backup, quiet),
    levels: () => stockOf(env, productId).levels(),
  };
}

async function givenOrder() {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const order = await placed(await post("/orders", basket({ [apple]: 1 })));
  return { apple, order, token: { "X-Order-Token": order.access_token ?? "" } };
}

test("a claim that only the objects know is dead at once, and keeps no restored shop stopped", async () => {
  const { apple, order, token } = await givenOrder();
  const { restore, levels } = await givenBackup(apple, async () => {
    expect((await post(`/orders/${order.id}/cancel`, {}, token)).status).toBe(200);
    await placed(await post("/orders", basket({ [apple]: 1 })));
  });
  expect(await restore()).toMatchObject({ kind: "open", left: 0 });
  expect(await levels()).toMatchObject({ on_hand: 1, reserved: 1 });
  expect(await env.DB.prepare("SELECT status FROM orders").first("status")).toBe("confirmed");
});

test("a unit in the post is put back on no shelf: the order is left to a person, and the unit is not sold again", async () => {
  const { apple, order, token } = await givenOrder();
  const { restore, levels, headers } = await givenBackup(apple, async () => {
    const { headers } = await givenAdmin();
    expect((await post(`/orders/${order.id}/shipments`, {}, headers)).status).toBe(201);
  });
  const outcome = await restore();
  expect(outcome).toMatchObject({ kind: "stopped", open: [{ order_id: order.id, state: "shipped" }] });
  expect(await levels()).toMatchObject({ on_hand: 0, reserved: 0 });
  await recordShipments(outcome, headers);
  expect(await env.DB.prepare("SELECT status FROM orders").first("status")).toBe("shipped");
  const look = await post("/inventory/reconcile", { product_ids: [apple], repair: true }, headers);
  expect(await look.json()).toMatchObject({ drifts: 0 });
  expect((await post(`/orders/${order.id}/cancel`, {}, token)).status).toBe(409);
  expect((await post("/orders", basket({ [apple]: 1 }))).status).toBe(409);
});

test("a unit in the post is not sold again either when its order is cancelled before a person looks", async () => {
  const { apple, order, token } = await givenOrder();
  const { restore, levels, headers } = await givenBackup(apple, async () => {
    const { headers } = await givenAdmin();
    expect((await post(`/orders/${order.id}/shipments`, {}, headers)).status).toBe(201);
  });
  expect(await restore()).toMatchObject({ kind: "stopped" });
  expect((await post("/ops/selling", { state: "open" }, headers)).status).toBe(200);
  expect((await post(`/orders/${order.id}/cancel`, {}, token)).status).toBe(200);
  await sweep();
  expect(await levels()).toMatchObject({ on_hand: 0, reserved: 0 });
  expect((await post("/orders", basket({ [apple]: 1 }))).status).toBe(409);
});

test("an object that had heard of a later step than the backup's obeys the next step all the same", async () => {
  const { apple, order, token } = await givenOrder();
  const { restore, levels } = await givenBackup(apple, async () => {
    const { headers } = await givenAdmin();
    expect((await post(`/orders/${order.id}/transitions`, { to: "processing" }, headers)).status).toBe(200);
    // Its hold asks, and is told of that version.
    testClock.advance(2 * HOUR);
    await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(apple)));
  });
  expect(await restore()).toMatchObject({ kind: "open", left: 0 });
  expect(await levels()).toMatchObject({ on_hand: 1, reserved: 1 });
  expect((await post(`/orders/${order.id}/cancel`, {}, token)).status).toBe(200);
  expect(await levels()).toMatchObject({ on_hand: 1, reserved: 0 });
});

test("what is left of a product's drift is named before what was repaired", () => {
  const one = (state: Drift["state"]): Drift => ({
    ...{ product_id: "prd_1", kind: "order_unheld", detail: "", store_id: null, claim: null, order_id: null },
    state,
  });
  const drift = [...Array.from({ length: 150 }, () => one("repaired")), one("short")];
  const named = firstOfEach(drift);
  expect([named.length, named[0]?.state]).toEqual([100, "short"]);
});
