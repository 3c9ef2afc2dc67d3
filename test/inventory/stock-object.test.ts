import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { project } from "../../src/inventory/projection/projection.ts";
import type { ProjectedLevel, ReserveRequest } from "../../src/inventory/stock-types.ts";
import { runBatch } from "../../src/platform/sql.ts";
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
  expect(await stock().holds()).toMatchObject([{ claim: "clm_1", confirmed: false }]);
  expect((await storageOf()).alarm).toBe(testClock.now() + 30_000);
  // What others do meanwhile does not make it ask sooner.
  await reserve("clm_2", 1);
  testClock.advance(2_000);
  await runDurableObjectAlarm(object());
  expect(await stock().holds()).toHaveLength(2);

  await env.DB.exec("ALTER TABLE claims_away RENAME TO claims");
  testClock.advance(28_000);
  expect(await runDurableObjectAlarm(object())).toBe(true);
  expect(await stock().holds()).toMatchObject([{ claim: "clm_2" }]);
});

test("while a question is on its way, no other is asked about the same claims, and none of its answer is written twice", async () => {
  await open(5);
  await reserve("clm_1", 2);
  // It has nothing to look for besides.
  const { epoch, version } = await stock().audit([]);
  await stock().reported(epoch, version);
  await evictDurableObject(object());
  testClock.advance(HOUR + TOGETHER);
  const questions: string[][] = [];
  let answer: () => void = () => {};
  await runInDurableObject(object(), async (instance, { storage }) => {
    const asks = async (_: string, claims: string[]) => {
      questions.push(claims);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      const state = { sto_1: { keep: 2, shipped: 0 } };
      return { claims: claims.map((claim) => ({ claim, version: 1, state, askAt: null })), projected: [] };
    };
    Object.assign((instance as unknown as { ports: object }).ports, { askFates: asks });
    await storage.deleteAlarm();
    const before = storage.sql.exec("SELECT * FROM claims").one();
    const alarms = [instance.alarm(), instance.alarm()];
    // Nothing is written before the answer: if the object dies, it asks again.
    expect(await storage.getAlarm()).toBeNull();
    expect(storage.sql.exec("SELECT * FROM claims").one()).toEqual(before);
    await instance.reserve(PRODUCT, [request("clm_2", 1)], HOUR);
    expect(await storage.getAlarm()).toBe(testClock.now() + 1_000);
    answer();
    await Promise.all(alarms);
    expect(questions).toEqual([["clm_1"]]);
    expect(storage.sql.exec("SELECT ask_at, asks FROM claims WHERE claim = 'clm_1'").one()).toEqual({
      ...{ ask_at: testClock.now() + HOUR, asks: 1 },
    });
  });
});

/** How often it sets its alarm in this. */
async function alarmsSetBy(act: () => Promise<unknown>): Promise<number> {
  await runInDurableObject(object(), (_, { storage }) => {
    const setAlarm = storage.setAlarm.bind(storage);
    Object.assign(storage, {
      set: 0,
      setAlarm: (at: number) => {
        (storage as unknown as { set: number }).set += 1;
        return setAlarm(at);
      },
    });
  });
  await act();
  return runInDurableObject(object(), (_, { storage }) => (storage as unknown as { set: number }).set);
}

test("an alarm that is set is not set again: one for an order that is placed, one when its hold has asked, none when it ships", async () => {
  await givenProducts(2);
  await open(5);
  await runDurableObjectAlarm(object());
  await vi.waitFor(async () => expect(await untold()).toMatchObject({ versions: 0 }), 8_000);
  testClock.advance(HOUR);
  await runDurableObjectAlarm(object());
  const carry = { arrived: null, claims: [] };
  let projected: ProjectedLevel[] = [];
  const place = async () => {
    const [held] = await stock().reserve(PRODUCT, [request("clm_1", 2)], 60_000, 0, carry);
    const { epoch = 0, levels = [] } = (held?.kind === "held" && held.carried) || {};
    projected = levels.map(({ storeId, version }) => ({ storeId, epoch, version }));
  };
  expect(await alarmsSetBy(place)).toBe(1);
  await evictDurableObject(object());
  await env.DB.exec("INSERT INTO claims VALUES ('clm_1', 'placed', 'ord_clm_1', 's', 0)");
  const living = { state: { sto_1: { keep: 2, shipped: 0 } }, askAt: null };
  testClock.advance(60_000 + TOGETHER);
  const asks = async () => {
    await runInDurableObject(object(), (instance) => {
      const askFates = async () => ({ claims: [{ claim: "clm_1", version: 1, ...living }], projected });
      Object.assign((instance as unknown as { ports: object }).ports, { askFates });
    });
    await runDurableObjectAlarm(object());
  };
  expect(await alarmsSetBy(asks)).toBe(1);
  expect((await storageOf()).alarm).toBe(testClock.now() + HOUR + TOGETHER);
  await evictDurableObject(object());
  testClock.advance(60_000);
  const shipped = { claim: "clm_1", version: 2, state: { sto_1: { keep: 0, shipped: 2 } } };
  expect(await alarmsSetBy(() => stock().followAndCarry(PRODUCT, [shipped]))).toBe(0);
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
  runInDurableObject(object(), async (instance) => {
    const { version, acked } = await instance.audit([]);
    return { versions: version - acked };
  });

test("one report tells the projection all that happened since, and is acknowledged", async () => {
  await givenProducts(2);
  await open(5);
  await reserve("clm_1", 2);
  await vi.waitFor(async () => expect(await untold()).toEqual({ versions: 0 }), 8_000);
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

test("a repair of an object that woke does not take its alarm from what is to be told", async () => {
  await givenProducts(2);
  await open(5);
  await reserve("clm_1", 2);
  await evictDurableObject(object());
  await stock().mend(PRODUCT, { operation: "op_1", balance: false, holds: [], tellBeyond: null });
  expect((await storageOf()).alarm).toBeLessThanOrEqual(testClock.now() + 1_000);
  await runDurableObjectAlarm(object());
  await vi.waitFor(async () => expect(await untold()).toEqual({ versions: 0 }), 8_000);
  expect(await projected()).toEqual(row(5, 2));
}, 15_000);

test("an object that woke and finds all of it in the projection reports nothing", async () => {
  await givenProducts(2);
  await open(5);
  const carry = { arrived: null, claims: [] };
  const [held] = await stock().reserve(PRODUCT, [request("clm_1", 2)], HOUR, 0, carry);
  const carried = (held?.kind === "held" && held.carried) || null;
  await runBatch(env.DB, project(carried ? [carried] : [], testClock.now()));
  await evictDurableObject(object());
  const sent: unknown[] = [];
  await runInDurableObject(object(), async (instance) => {
    const send = async (report: unknown) => void sent.push(report);
    Object.assign(instance, { env: { ...env, INVENTORY_QUEUE: { send } } });
    await instance.alarm();
  });
  expect(sent).toEqual([]);
  expect(await untold()).toEqual({ versions: 0 });
});
