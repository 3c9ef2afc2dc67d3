import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import type { ReserveRequest } from "../../src/inventory/stock-types.ts";
import { testClock } from "../support/clock.ts";
import { givenProducts } from "./reports.ts";

const PRODUCT = "prd_1";
const HOUR = 3_600_000;
/** A hold that is due waits so long for others. */
const TOGETHER = 10_000;
const object = () => env.STOCK.get(env.STOCK.idFromName(PRODUCT));
const stock = () => stockOf(env, PRODUCT);

const open = (quantity: number) =>
  stock().open(PRODUCT, { levels: [{ store_id: "sto_1", quantity }], actor: "usr_1" });

const request = (claim: string, quantity: number): ReserveRequest => ({
  claim,
  orderId: `ord_${claim}`,
  quantity,
  stores: [],
  only: false,
});
const reserve = (claim: string, quantity: number) =>
  stock().reserve(PRODUCT, [request(claim, quantity)], HOUR);

const fates = async () => (await env.DB.prepare("SELECT id, fate FROM claims").all()).results;
const storageOf = () =>
  runInDurableObject(object(), async (_, { storage }) => ({
    tables: storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    alarm: await storage.getAlarm(),
  }));

const HELD = [{ kind: "held", allocations: [{ store_id: "sto_1", quantity: 2 }] }];

test("naming it, reading it and falling short store nothing", async () => {
  const nothing = { on_hand: 0, reserved: 0, available: 0, stores: [] };
  expect(await stock().levels()).toEqual(nothing);
  expect(await stock().inventory()).toEqual({ ...nothing, holds: [] });
  expect(await stock().movements(null, 10)).toEqual({ movements: [], next: null });
  expect(await reserve("clm_1", 1)).toEqual([{ kind: "short", available: 0, inTheWay: [] }]);
  const dead = { claim: "clm_1", version: 1, state: {} };
  const living = { ...dead, state: { sto_1: { keep: 1, shipped: 0 } } };
  expect(await stock().follow(PRODUCT, [dead, living])).toMatchObject([
    { kind: "applied" },
    { kind: "drift" },
  ]);
  expect(await stock().open(PRODUCT, { levels: [], actor: "usr_1" })).toEqual({ opened: [] });
  await stock().reported(1, 1);
  expect(await storageOf()).toEqual({ tables: [], alarm: null });
  expect(await runDurableObjectAlarm(object())).toBe(false);
});

test("a claim holds once, and an eviction changes nothing", async () => {
  await open(5);
  expect(await reserve("clm_1", 2)).toEqual(HELD);
  expect(await reserve("clm_1", 2)).toEqual(HELD);
  await evictDurableObject(object());
  expect(await reserve("clm_1", 2)).toEqual(HELD);
  expect(await stock().levels()).toMatchObject({ on_hand: 5, reserved: 2, available: 3 });
  expect(await open(9)).toEqual({ opened: [] });

  expect(await reserve("clm_2", 4)).toEqual([
    { kind: "short", available: 3, inTheWay: [{ claim: "clm_1", quantity: 2 }] },
  ]);
  const [newest] = (await stock().movements(null, 1)).movements;
  expect(newest).toEqual({
    seq: 2,
    at: new Date(testClock.now()).toISOString(),
    type: "reserve",
    store_id: "sto_1",
    quantity: 2,
    before: { on_hand: 5, reserved: 0 },
    after: { on_hand: 5, reserved: 2 },
    actor: "system:orders",
    reason: null,
    reference: "clm_1",
    order_id: "ord_clm_1",
  });
});

test("a bulk is one call, each order its own success", async () => {
  await open(5);
  const requests = [request("clm_1", 3), request("clm_2", 3), request("clm_3", 2), request("clm_1", 3)];
  const outcomes = await stock().reserve(PRODUCT, requests, HOUR);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["held", "short", "held", "held"]);
  expect(await stock().levels()).toMatchObject({ reserved: 5 });
});

test("a hold that nobody stands behind asks when its time has come, and lets go", async () => {
  await open(5);
  await reserve("clm_1", 2);
  await runDurableObjectAlarm(object());
  expect(await fates()).toEqual([]);
  expect(await stock().levels()).toMatchObject({ reserved: 2 });
  expect((await storageOf()).alarm).not.toBeNull();

  await evictDurableObject(object());
  testClock.advance(HOUR + TOGETHER);
  expect(await runDurableObjectAlarm(object())).toBe(true);
  expect(await fates()).toEqual([{ id: "clm_1", fate: "abandoned" }]);
  expect(await stock().levels()).toMatchObject({ on_hand: 5, reserved: 0 });
  expect(await reserve("clm_1", 2)).toEqual([{ kind: "settled" }]);
});

test("holds that fall due within ten seconds ask together", async () => {
  await open(5);
  for (const [index, seconds] of [60, 61, 70, 71].entries())
    await stock().reserve(PRODUCT, [request(`clm_${index}`, 1)], seconds * 1_000);
  testClock.advance(60_000 + TOGETHER - 1);
  await runDurableObjectAlarm(object());
  expect(await fates()).toEqual([]);

  testClock.advance(1);
  expect(await runDurableObjectAlarm(object())).toBe(true);
  const fate = "abandoned";
  expect(await fates()).toEqual(["clm_0", "clm_1", "clm_2"].map((id) => ({ id, fate })));
  expect(await stock().levels()).toMatchObject({ on_hand: 5, reserved: 1 });

  testClock.advance(1_000 + TOGETHER);
  await runDurableObjectAlarm(object());
  expect(await stock().levels()).toMatchObject({ on_hand: 5, reserved: 0 });
});

test("a hold that gets no answer asks again in half a minute", async () => {
  await open(5);
  await reserve("clm_1", 2);
  await env.DB.exec("ALTER TABLE claims RENAME TO claims_away");
  testClock.advance(HOUR + TOGETHER);
  await runDurableObjectAlarm(object());
  const askAt = new Date(testClock.now() + 30_000).toISOString();
  expect(await stock().holds()).toMatchObject([{ claim: "clm_1", confirmed: false, ask_at: askAt }]);

  await env.DB.exec("ALTER TABLE claims_away RENAME TO claims");
  testClock.advance(30_000 + TOGETHER);
  expect(await runDurableObjectAlarm(object())).toBe(true);
  expect(await stock().holds()).toEqual([]);
});

test("a hold follows its order: confirmed, shipped in parts, closed; old news change nothing", async () => {
  await open(5);
  await reserve("clm_1", 4);
  const tell = async (version: number, keep: number, shipped: number) => {
    const state = { sto_1: { keep, shipped } };
    return (await stock().follow(PRODUCT, [{ claim: "clm_1", version, state }]))[0];
  };
  expect(await tell(1, 4, 0)).toEqual({ kind: "applied" });
  expect(await stock().holds()).toMatchObject([{ confirmed: true, order_id: "ord_clm_1" }]);
  expect(await tell(3, 1, 2)).toEqual({ kind: "applied" });
  expect(await stock().levels()).toMatchObject({ on_hand: 3, reserved: 1 });
  expect(await tell(2, 3, 1)).toEqual({ kind: "stale" });
  expect(await tell(4, 0, 5)).toMatchObject({ kind: "drift" });
  expect(await tell(4, 0, 2)).toEqual({ kind: "applied" });
  expect(await stock().levels()).toMatchObject({ on_hand: 3, reserved: 0 });
  expect((await stock().movements(null, 10)).movements.map(({ type, quantity }) => [type, quantity])).toEqual(
    [
      ["release", 1],
      ["release", 1],
      ["ship", -2],
      ["reserve", 4],
      ["opening", 5],
    ],
  );
});

test("a level that no longer covers its holds is drift, and stays as it is", async () => {
  await open(5);
  await reserve("clm_1", 4);
  await runInDurableObject(object(), (_, { storage }) => {
    storage.sql.exec("UPDATE levels SET reserved = 1");
  });
  await evictDurableObject(object());
  const outcome = await stock().follow(PRODUCT, [{ claim: "clm_1", version: 1, state: {} }]);
  expect(outcome).toMatchObject([
    { kind: "drift", detail: expect.stringContaining("only 1 units are reserved") },
  ]);
  expect(await stock().inventory()).toMatchObject({ reserved: 1, holds: [{ claim: "clm_1" }] });
});

test("a person's command is done once for its operation id", async () => {
  const command = {
    operation: "op_1",
    storeId: "sto_1",
    type: "add" as const,
    quantity: 5,
    reason: "found",
    reference: null,
    actor: "usr_1",
  };
  const first = await stock().adjust(PRODUCT, command);
  expect(first).toMatchObject({
    kind: "done",
    movements: [{ quantity: 5, actor: "usr_1", reason: "found" }],
  });
  await evictDurableObject(object());
  expect(await stock().adjust(PRODUCT, command)).toEqual(first);
  expect(await stock().adjust(PRODUCT, { ...command, quantity: 6 })).toEqual({ kind: "operation_reused" });
  expect(await stock().levels()).toMatchObject({ on_hand: 5 });

  const refused = { ...command, operation: "op_2", type: "remove" as const, quantity: 6 };
  const no = { kind: "stock_reserved", on_hand: 5, reserved: 0, requested: 6 };
  expect(await stock().adjust(PRODUCT, refused)).toEqual(no);
  await stock().adjust(PRODUCT, { ...command, operation: "op_3" });
  expect(await stock().adjust(PRODUCT, refused)).toEqual(no);
});

const projected = async () =>
  (await env.DB.prepare("SELECT product_id, store_id, on_hand, reserved, available FROM stock_levels").all())
    .results;
const row = (on_hand: number, reserved: number) => [
  { product_id: PRODUCT, store_id: "sto_1", on_hand, reserved, available: on_hand - reserved },
];
const untold = () =>
  runInDurableObject(object(), (_, { storage }) =>
    storage.sql.exec("SELECT version - acked AS versions, report_at FROM meta").one(),
  );

test("one report tells the projection all that happened since, and is acknowledged", async () => {
  await givenProducts(2);
  await open(5);
  await reserve("clm_1", 2);
  await vi.waitFor(async () => expect(await untold()).toEqual({ versions: 0, report_at: null }), 8_000);
  expect(await projected()).toEqual(row(5, 2));
}, 15_000);

test("a lost report is told again", async () => {
  await givenProducts(2);
  await open(5);
  const lost: unknown[] = [];
  await runInDurableObject(object(), (instance) => {
    const losing = { ...env, INVENTORY_QUEUE: { send: async (report: unknown) => void lost.push(report) } };
    Object.assign(instance, { env: losing });
  });
  await runDurableObjectAlarm(object());
  expect(lost).toMatchObject([
    { productId: PRODUCT, levels: [{ storeId: "sto_1", onHand: 5, reserved: 0 }] },
  ]);

  await evictDurableObject(object());
  testClock.advance(61_000);
  expect(await runDurableObjectAlarm(object())).toBe(true);
  await vi.waitFor(async () => expect(await untold()).toMatchObject({ versions: 0 }), 8_000);
  expect(await projected()).toEqual(row(5, 0));
}, 15_000);
