import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { restoreShop } from "../../src/cli/restore-shop.ts";
import { stockOf } from "../../src/inventory/client.ts";
import type { StockRow } from "../../src/inventory/stock-types.ts";
import { reconcileProducts } from "../../src/ops/reconcile/reconcile.ts";
import { testContext } from "../events/context.ts";
import { dumpOf } from "../inventory/dumped.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop, placed, post } from "../support/shop.ts";
import { Boundary } from "./boundary.ts";
import { brokenInvariants } from "./invariants.ts";
import { givenAdmin, quiet, saved } from "./shop-backup.ts";
import { Sleeper } from "./sleeper.ts";
import { send } from "./stage.ts";

/**
 * Who slept through a whole restore, and wakes in the open shop. What a writer has read, and what it has told Stock, is of
 * a history that is gone: it may neither record nor release anything (docs/DESIGN.md §3).
 */

const HOUR = 3_600_000;
const MINUTE = 60_000;
const KEY = { "Idempotency-Key": "a-guest-key-of-a-sleeper" };

const living = async (): Promise<string[]> => {
  const { results } = await env.DB.prepare(
    "SELECT status FROM orders WHERE status NOT IN ('rejected', 'cancelled', 'expired')",
  ).all<{ status: string }>();
  return results.map(({ status }) => status);
};

const mustHold = async (productId: string, opening: number) =>
  expect(await brokenInvariants(new Map([[productId, opening]]), { calm: false })).toEqual([]);

async function givenBackup(stock: number) {
  const { productIds } = await givenShop([[stock]]);
  const [apple = ""] = productIds;
  const { api, headers } = await givenAdmin();
  return {
    apple,
    headers,
    backUp: () => saved(api),
    restore: async ({ backup }: Awaited<ReturnType<typeof saved>>) =>
      expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] }),
  };
}

test("a placing that reserved before a restore records nothing after it, and the unit is sold once", async () => {
  const { apple, backUp, restore } = await givenBackup(1);
  const backup = await backUp();
  const sleeper = new Sleeper("D1.batch", 2);
  const sent = send(sleeper, "/orders", basket({ [apple]: 1 }), KEY);
  await sleeper.asleep;
  await restore(backup);
  sleeper.wake();
  const first = await sent.answer;
  await Promise.all(sent.deferred);
  const second = await post("/orders", basket({ [apple]: 1 }));
  expect([first.status, second.status, await living()]).toEqual([503, 201, ["confirmed"]]);
  await mustHold(apple, 1);
  // Nor does an alarm find anything to let go that it should not.
  for (let hours = 0; hours < 5; hours++) {
    testClock.advance(2 * HOUR);
    await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(apple)));
  }
  await mustHold(apple, 1);
  expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 1, reserved: 1 });
});

test("a reserve that slept through a restore holds nothing after it", async () => {
  const { apple, backUp, restore } = await givenBackup(1);
  const backup = await backUp();
  const sleeper = new Sleeper("Stock.reserve");
  const sent = send(sleeper, "/orders", basket({ [apple]: 1 }), KEY);
  await sleeper.asleep;
  await restore(backup);
  sleeper.wake();
  expect((await sent.answer).status).toBe(503);
  await Promise.all(sent.deferred);
  expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 1, reserved: 0 });
});

test("under a key, who was refused is placed in the restored shop when it comes again", async () => {
  const { apple, backUp, restore } = await givenBackup(1);
  const key = { "Idempotency-Key": "a-guest-key-of-this-test" };
  const backup = await backUp();
  const sleeper = new Sleeper("D1.batch", 2);
  const sent = send(sleeper, "/orders", basket({ [apple]: 1 }), key);
  await sleeper.asleep;
  await restore(backup);
  sleeper.wake();
  expect((await sent.answer).status).toBe(503);
  await Promise.all(sent.deferred);
  const order = await placed(await post("/orders", basket({ [apple]: 1 }), key));
  expect([order.status, await living()]).toEqual(["confirmed", ["confirmed"]]);
  await mustHold(apple, 1);
});

test("a follow that was sent before a restore releases nothing of an order that lives again", async () => {
  const { apple, backUp, restore } = await givenBackup(1);
  const order = await placed(await post("/orders", basket({ [apple]: 1 })));
  const backup = await backUp();
  const sleeper = new Sleeper("Stock.followAndCarry");
  const token = { "X-Order-Token": order.access_token ?? "" };
  const sent = send(sleeper, `/orders/${order.id}/cancel`, {}, token);
  await sleeper.asleep;
  await restore(backup);
  sleeper.wake();
  await sent.answer;
  await Promise.all(sent.deferred);
  const second = await post("/orders", basket({ [apple]: 1 }));
  expect([second.status, await living()]).toEqual([409, ["confirmed"]]);
  await mustHold(apple, 1);
});

test("a step that was planned in another history is not made, though its version is there again", async () => {
  const { apple, headers, backUp, restore } = await givenBackup(3);
  const order = await placed(await post("/orders", basket({ [apple]: 3 })));
  const backup = await backUp();
  const one = { items: [{ product_id: apple, quantity: 1 }] };
  expect((await post(`/orders/${order.id}/shipments`, one, headers)).status).toBe(201);
  const sleeper = new Sleeper("D1.batch", 2);
  const sent = send(sleeper, `/orders/${order.id}/shipments`, one, { ...headers, "Idempotency-Key": "k-1" });
  await sleeper.asleep;
  await restore(backup);
  const step = await post(`/orders/${order.id}/transitions`, { to: "processing" }, headers);
  sleeper.wake();
  const answer = await sent.answer;
  await Promise.all(sent.deferred);
  expect([step.status, answer.status, await answer.json()]).toMatchObject([200, 503, { code: "restoring" }]);
  const shipped = await env.DB.prepare("SELECT count(*) AS n FROM shipments").first("n");
  expect(shipped).toBe(0);
  await mustHold(apple, 3);
  expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 3, reserved: 3 });
});

test("an adjustment that slept through a restore is refused also where the backup has nothing of its product", async () => {
  const { productIds, storeIds } = await givenShop([[1], []]);
  const [, pear = ""] = productIds;
  const { api, headers } = await givenAdmin();
  const { backup } = await saved(api);
  const path = `/inventory/${pear}/adjust`;
  const key = { ...headers, "Idempotency-Key": "received-ten" };
  const body = { store_id: storeIds[0], type: "receive", quantity: 10, reason: "delivery 7" };
  const sleeper = new Sleeper("Stock.adjust");
  const sent = send(sleeper, path, body, key);
  await sleeper.asleep;
  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
  sleeper.wake();
  const late = await sent.answer;
  await Promise.all(sent.deferred);
  const again = await post(path, body, key);
  expect([late.status, again.status, (await stockOf(env, pear).levels()).on_hand]).toEqual([503, 201, 10]);
});

/** The rows of an object, by the parts that a restore sends: its first row, and the others. */
async function partsOf(productId: string): Promise<[StockRow[], StockRow[]]> {
  const stock = stockOf(env, productId);
  const rows = await dumpOf((cursor) => stock.dump(cursor));
  return [rows.slice(0, 1), rows.slice(1)];
}

/** What an object's command throws; null if it does not. (`expect(…).rejects` reads properties of the call, which are calls.) */
async function refusalOf(command: () => Promise<unknown>): Promise<string | null> {
  try {
    await command();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test("between two parts of its restore an object refuses all commands, and its alarm is still", async () => {
  const { productIds, storeIds } = await givenShop([[10]]);
  const [apple = ""] = productIds;
  const stock = stockOf(env, apple);
  const storeId = storeIds[0] ?? "";
  const received = {
    storeId,
    type: "receive" as const,
    quantity: 100,
    reason: "r",
    reference: null,
    actor: "t",
  };
  await stock.adjust(apple, { ...received, operation: "op1" });
  await placed(await post("/orders", basket({ [apple]: 1 })));
  const [head, rest] = await partsOf(apple);

  await stock.empty(apple, 1);
  await stock.load(apple, { first: true, last: false, rows: head, generation: 1 });
  const request = { claim: "clm_zz", orderId: "ord_zz", quantity: 1, stores: [], only: false };
  const commands = [
    () => stock.reserve(apple, [request], 60_000, 1),
    () => stock.follow(apple, [{ claim: "clm_zz", version: 1, state: {} }], 1),
    () => stock.adjust(apple, { ...received, operation: "op2" }, 1),
  ];
  for (const command of commands) expect(await refusalOf(command)).toBe("the stock object is being restored");
  testClock.advance(24 * HOUR);
  expect(await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(apple)))).toBe(false);
  await stock.load(apple, { first: false, last: true, rows: rest, generation: 1 });

  expect(await stock.levels()).toMatchObject({ on_hand: 110, reserved: 1 });
  expect(await refusalOf(() => stock.reserve(apple, [request], 60_000, 0))).toBe(
    "the stock object was restored after this command began",
  );
  expect(await reconcileProducts(testContext(), [apple], { repair: true, operation: "reconcile-1" })).toEqual(
    [],
  );
  expect(await stock.levels()).toMatchObject({ on_hand: 110, reserved: 1 });
});

test("a restore that was given up before it overwrote anything leaves no hold that cannot ask", async () => {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const dying = new Boundary({ at: 2, ending: "dies before" });
  void send(dying, "/orders", basket({ [apple]: 1 }), KEY).answer.catch(() => {});
  await dying.still();
  expect(await stockOf(env, apple).levels()).toMatchObject({ reserved: 1 });
  const { headers } = await givenAdmin();
  const closed = await post("/ops/selling", { state: "restoring" }, headers);
  const { generation } = await closed.json<{ generation: number }>();
  expect((await post("/ops/selling", { state: "open" }, headers)).status).toBe(409);
  expect((await post("/ops/selling", { state: "open", generation }, headers)).status).toBe(200);
  testClock.advance(HOUR + MINUTE);
  await runDurableObjectAlarm(env.STOCK.get(env.STOCK.idFromName(apple)));
  dying.bury();
  expect(await stockOf(env, apple).levels()).toMatchObject({ on_hand: 1, reserved: 0 });
  expect((await post("/orders", basket({ [apple]: 1 }))).status).toBe(201);
  await mustHold(apple, 1);
});
