import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { restoreShop } from "../../../src/cli/restore-shop.ts";
import { stockOf } from "../../../src/inventory/client.ts";
import type { OrderWire } from "../../../src/orders/schemas.ts";
import { answerOf } from "../../orders/ask.ts";
import { HISTORY } from "../../orders/history-rows.ts";
import { testClock } from "../../support/clock.ts";
import { basket, get, givenShop, placed, post } from "../../support/shop.ts";
import { signIn } from "../../support/sign-in.ts";
import { brokenInvariants } from "../invariants.ts";
import { givenAdmin, quiet, recordShipments, saved } from "../shop-backup.ts";
import { sweep } from "../stage.ts";

const HOUR = 3_600_000;

const buy = async (productId: string, quantity = 1, more = {}): Promise<OrderWire> =>
  placed(await post("/orders", basket({ [productId]: quantity }, more)));

const cancel = async (order: OrderWire): Promise<void> => {
  const answer = await post(`/orders/${order.id}/cancel`, {}, { "X-Order-Token": order.access_token ?? "" });
  expect(answer.status).toBe(200);
};

/** Ships all of an order, as the row and the object see it. */
async function ship(order: OrderWire): Promise<void> {
  const [item] = order.items;
  const { product_id = "", allocations = [] } = item ?? {};
  const shipped = allocations.map((one) => ({ ...one, shipped: one.quantity }));
  await env.DB.batch([
    env.DB.prepare("UPDATE orders SET status = 'shipped', version = version + 1 WHERE id = ?1").bind(
      order.id,
    ),
    env.DB.prepare("UPDATE order_items SET allocations = ?2 WHERE order_id = ?1").bind(
      order.id,
      JSON.stringify(shipped),
    ),
    env.DB.prepare(
      `INSERT INTO events (id, type, at, object_type, object_id, object_version, data)
       VALUES ('evt_' || ?1, 'order.shipped', 0, 'order', ?1, 2, '{}')`,
    ).bind(order.id),
  ]);
  const claim = await env.DB.prepare("SELECT claim_id FROM orders WHERE id = ?1")
    .bind(order.id)
    .first<string>("claim_id");
  const state = Object.fromEntries(
    allocations.map(({ store_id, quantity }) => [store_id, { keep: 0, shipped: quantity }]),
  );
  await stockOf(env, product_id).follow(product_id, [{ claim: claim ?? "", version: 2, state }]);
}

const dumpOf = (productId: string) =>
  runInDurableObject(env.STOCK.get(env.STOCK.idFromName(productId)), (_, { storage }) =>
    ["levels", "claims", "movements", "operations"].map((table) =>
      storage.sql.exec(`SELECT * FROM ${table}`).toArray(),
    ),
  );

const tableOf = async (name: string) => (await env.DB.prepare(`SELECT * FROM ${name}`).all()).results;
const statusOf = (id: string) =>
  env.DB.prepare("SELECT status FROM orders WHERE id = ?1").bind(id).first<string>("status");

async function settle(productIds: string[]): Promise<void> {
  for (let round = 0; round < 2; round++) {
    testClock.advance(HOUR + 60_000);
    for (const productId of productIds) {
      await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(productId)));
    }
    await sweep();
  }
}

describe("a restore to an earlier moment", () => {
  test("stops selling until reconciliation has ended; then all is as it was, and the invariants hold", async () => {
    const { productIds } = await givenShop([[10], [10]]);
    const [apple = "", pear = ""] = productIds;
    const seen: [string, number, string][] = [];
    const { api, headers } = await givenAdmin(async (method, path) => {
      if (method !== "POST" || !watching) return;
      const answer = await answerOf(post("/orders", basket({ [apple]: 1 })));
      seen.push([path, answer.status, answer.body?.code]);
    });
    let watching = false;
    const kept = await buy(apple, 3);
    const shippedLater = await buy(pear, 2);
    const cancelledLater = await buy(apple, 1);
    const { backup } = await saved(api);
    const before = { orders: await tableOf("orders"), apple: await dumpOf(apple), pear: await dumpOf(pear) };

    const [later] = [await buy(apple, 5), await buy(pear, 8)];
    await ship(shippedLater);
    await cancel(cancelledLater);
    await cancel(kept);

    watching = true;
    testClock.advance(1_000);
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    watching = false;

    // Each step found the shop as the step before had left it: only before the first could an order be placed.
    const [first, ...others] = seen;
    expect(first?.slice(0, 2)).toEqual(["/ops/selling", 201]);
    expect(others.length).toBeGreaterThan(10);
    expect(others.every(([, status]) => status === 503)).toBe(true);
    // Once all is there again only orders are kept out, until reconciliation has ended.
    expect(others.slice(-2).map(([path, , code]) => [path, code])).toEqual([
      ["/inventory/reconcile", "selling_stopped"],
      ["/ops/selling", "selling_stopped"],
    ]);
    expect(new Set(others.slice(0, -2).map(([, , code]) => code))).toEqual(new Set(["restoring"]));

    expect(await statusOf(later?.id ?? "")).toBeNull();
    expect(await statusOf(kept.id)).toBe("confirmed");
    expect(await tableOf("orders")).toEqual(before.orders);
    expect(await dumpOf(apple)).toEqual(before.apple);
    expect(await dumpOf(pear)).toEqual(before.pear);
    const opening = new Map([
      [apple, 10],
      [pear, 10],
    ]);
    expect(await brokenInvariants(opening, { calm: false })).toEqual([]);

    expect((await post("/orders", basket({ [apple]: 7 }))).status).toBe(409);
    await buy(apple, 6);
    await settle(productIds);
    await vi.waitFor(async () => expect(await brokenInvariants(opening, { calm: true })).toEqual([]), 5_000);
    expect((await answerOf(get("/ops/selling", headers))).body).toMatchObject({ state: "open" });
  }, 60_000);

  test("what the objects learned while the database was read is put right, but for a parcel that has left", async () => {
    const { productIds } = await givenShop([[10]]);
    const [apple = ""] = productIds;
    const orders: OrderWire[] = [];
    const { api } = await givenAdmin(async (_, path) => {
      if (path !== "/ops/backup/stock" || orders.length > 0) return;
      const [cancelled, shipped] = early;
      if (!cancelled || !shipped) return;
      orders.push(await buy(apple, 4));
      await cancel(cancelled);
      await ship(shipped);
    });
    const early = [await buy(apple, 2), await buy(apple, 3)];
    const { backup } = await saved(api);
    expect(orders).toHaveLength(1);

    testClock.advance(2 * HOUR);
    const outcome = await restoreShop(api, backup, quiet);
    const left = { order_id: early[1]?.id, state: "shipped" };
    expect(outcome).toMatchObject({ kind: "stopped", open: [left], left: 1 });
    expect(await statusOf(orders[0]?.id ?? "")).toBeNull();
    expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 7, reserved: 2 });
    await recordShipments(outcome, (await givenAdmin()).headers);
    await settle(productIds);
    await vi.waitFor(
      async () => expect(await brokenInvariants(new Map([[apple, 10]]), { calm: true })).toEqual([]),
      5_000,
    );
  }, 60_000);

  test("orders that move while tables are read are kept whole", async () => {
    const { productIds } = await givenShop([[10]]);
    const [apple = ""] = productIds;
    let moved = false;
    const { api } = await givenAdmin(async (_, path) => {
      if (path !== "/ops/backup/tables/order_items" || moved) return;
      moved = true;
      await buy(apple, 1);
      const [order] = early;
      if (order) await cancel(order);
    });
    // `claims` is read before `order_items`, `orders` after: what moved between is torn.
    const early = [await buy(apple, 2)];
    const { backup } = await saved(api);
    testClock.advance(HOUR);
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    const torn = await env.DB.prepare(
      `SELECT o.id FROM orders AS o LEFT JOIN claims AS c ON c.id = o.claim_id
       LEFT JOIN ${HISTORY} AS h ON h.order_id = o.id AND h.version = o.version
       WHERE c.fate IS NOT 'placed' OR h.to_status IS NOT o.status`,
    ).all();
    expect(torn.results).toEqual([]);
    expect((await tableOf("orders")).map(({ status }) => status).sort()).toEqual(["cancelled", "confirmed"]);
    await settle(productIds);
    await vi.waitFor(
      async () => expect(await brokenInvariants(new Map([[apple, 10]]), { calm: true })).toEqual([]),
      5_000,
    );
  }, 60_000);

  test("that dies at any step leaves selling stopped, and ends when it is run again", async () => {
    const { productIds } = await givenShop([[5]]);
    const [apple = ""] = productIds;
    let posts = Number.POSITIVE_INFINITY;
    let calls: string[] = [];
    const { api } = await givenAdmin(async (method, path) => {
      if (method !== "POST") return;
      calls.push(path);
      if (calls.length > posts) throw new Error("died");
    });
    const order = await buy(apple, 2);
    const { backup } = await saved(api);
    calls = [];
    await restoreShop(api, backup, quiet);
    const whole = calls.length;
    const before = await dumpOf(apple);
    expect(whole).toBeGreaterThan(15);
    for (let step = 1; step < whole; step += 1) {
      calls = [];
      posts = step;
      await expect(restoreShop(api, backup, quiet)).rejects.toThrow("died");
      // Objects that wake in between must do no harm.
      testClock.advance(HOUR + 60_000);
      await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(apple)));
      const { code } = (await answerOf(post("/orders", basket({ [apple]: 1 })))).body;
      // What comes last is the opening, and before it the reconciliation.
      expect([step, code]).toEqual([step, step >= whole - 2 ? "selling_stopped" : "restoring"]);
      posts = Number.POSITIVE_INFINITY;
      expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
      expect(await statusOf(order.id)).toBe("confirmed");
      const [levels, claims, movements] = await dumpOf(apple);
      const parts = (rows: typeof claims) => rows?.map(({ claim, parts: json }) => [claim, json]);
      expect([levels, parts(claims), movements]).toEqual([before[0], parts(before[1]), before[2]]);
    }
  }, 120_000);

  test("that leaves an order short stays stopped and says so, unless forced", async () => {
    const { productIds } = await givenShop([[3]]);
    const [apple = ""] = productIds;
    const { api } = await givenAdmin();
    const order = await buy(apple, 2);
    const { backup, files } = await saved(api);
    const stock = files.get("stock.jsonl") ?? "";
    const without = stock.split("\n").filter((line) => !/"table":"(claims|levels|movements)"/.test(line));
    files.set("stock.jsonl", without.join("\n"));

    expect(await restoreShop(api, backup, quiet)).toMatchObject({
      kind: "stopped",
      open: [{ kind: "order_unheld", state: "short", order_id: order.id }],
    });
    expect((await post("/orders", basket({ [apple]: 1 }))).status).toBe(503);
    const health = await answerOf(exports.default.fetch("http://shop.test/health"));
    expect(health).toMatchObject({
      status: 503,
      body: { checks: { selling: { status: "unhealthy", detail: "selling is stopped" } } },
    });
    expect(await restoreShop(api, backup, { ...quiet, forceOpen: true })).toMatchObject({ kind: "open" });
    expect((await post("/orders", basket({ [apple]: 1 }))).status).toBe(409);
  }, 60_000);

  test("brings back what has no order, and empties what is in no backup", async () => {
    const { productIds } = await givenShop([[4]]);
    const [apple = ""] = productIds;
    const { api } = await givenAdmin();
    const { backup } = await saved(api);
    const newer = await givenShop([[7]]);
    const [pear = ""] = newer.productIds;
    await stockOf(env, apple).open(apple, { levels: [{ store_id: "sto_new", quantity: 9 }], actor: "test" });
    await restoreShop(api, backup, quiet);
    expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 4, reserved: 0 });
    expect(await stockOf(env, pear).levels()).toMatchObject({ on_hand: 0, stores: [] });
    expect((await tableOf("products")).map(({ id }) => id)).toEqual([apple]);
  });

  test("of another schema is refused before anything is touched", async () => {
    const { productIds } = await givenShop([[4]]);
    const { api } = await givenAdmin();
    const { backup } = await saved(api);
    const other = { ...backup, manifest: { ...backup.manifest, schema: "0000_first_sale.sql" } };
    await expect(restoreShop(api, other, quiet)).rejects.toThrow("migrate to that first");
    await buy(productIds[0] ?? "", 1);
  });
});

describe("the parts of a backup", () => {
  test("are an admin's alone, and overwrite nothing while the shop sells", async () => {
    await givenShop([[1]]);
    const staff = (await signIn("staff")).headers;
    const admin = (await signIn("admin")).headers;
    for (const path of ["/ops/backup", "/ops/backup/tables/users", "/ops/backup/stock/prd_1"]) {
      expect((await get(path)).status).toBe(401);
      expect((await get(path, staff)).status).toBe(403);
    }
    const rows = { generation: 1, first: true, rows: [] };
    expect((await post("/ops/backup/tables/orders", rows, staff)).status).toBe(403);
    expect(await answerOf(post("/ops/backup/tables/orders", rows, admin))).toMatchObject({
      status: 409,
      body: { code: "restore_superseded" },
    });
    expect((await get("/ops/backup/tables/sqlite_master", admin)).status).toBe(404);
    expect((await get("/ops/backup/tables/shop_state", admin)).status).toBe(404);
    expect((await get("/ops/backup/tables/orders?cursor=nonsense", admin)).status).toBe(400);
    expect((await get("/ops/backup/stock/prd_1?cursor=nonsense", admin)).status).toBe(400);
    expect((await post("/ops/selling", { state: "stopped" }, staff)).status).toBe(403);
    expect((await get("/ops/selling", staff)).status).toBe(200);
    expect((await post("/ops/selling", { state: "closed" }, admin)).status).toBe(422);
  });

  test("go page by page where there is much", async () => {
    const { productIds, storeIds } = await givenShop([[1]]);
    const [apple = ""] = productIds;
    await runInDurableObject(env.STOCK.get(env.STOCK.idFromName(apple)), (_, { storage }) => {
      storage.sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
         INSERT INTO claims SELECT printf('clm_%05d', i), 'ord_' || i, 'settled', 1, 0, 0, 0, 0,
           json_array(json_object('store_id', '${storeIds[0]}', 'kept', 0, 'shipped', 0)) FROM n`,
      );
      storage.sql.exec(
        `INSERT INTO movements (at, type, store_id, quantity, on_hand_before, reserved_before, on_hand_after,
           reserved_after, actor) SELECT 0, 'set', '${storeIds[0]}', 0, 1, 0, 1, 0, 'test' FROM claims`,
      );
    });
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
       INSERT INTO events (id, type, at, object_type, object_id, object_version, data)
       SELECT 'evt_' || i, 'test', i, 'order', 'ord_' || i, 1, '{}' FROM n`,
    ).run();
    const before = { stock: await dumpOf(apple), events: await tableOf("events") };
    const { api } = await givenAdmin();
    const { backup } = await saved(api);
    expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
    expect(await dumpOf(apple)).toEqual(before.stock);
    expect(await tableOf("events")).toEqual(before.events);
  }, 60_000);
});
