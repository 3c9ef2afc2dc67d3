import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { testClock } from "./../support/clock.ts";

const HOUR = 3_600_000;

test("naming, reading, and failing to reserve make no storage", async () => {
  const stock = stockOf(env, "prd_named");
  expect(await stock.levels()).toEqual({ on_hand: 0, reserved: 0, available: 0, stores: [] });
  expect(await stock.inventory()).toEqual({ on_hand: 0, reserved: 0, available: 0, stores: [], holds: [] });
  expect(await stock.movements(null, 10)).toEqual({ movements: [], next: null });
  const request = { claim: "clm_1", orderId: "ord_1", quantity: 1, stores: [], only: false };
  expect(await stock.reserve("prd_named", [request], testClock.now() + HOUR)).toEqual([
    { kind: "short", available: 0, inTheWay: [] },
  ]);
  expect(await stock.follow("prd_named", [{ claim: "clm_1", version: 1, state: {} }])).toEqual([
    { kind: "applied" },
  ]);
  await stock.reported(1, 1);
  expect(await listDurableObjectIds(env.STOCK)).toEqual([]);
});

test("stock opens once", async () => {
  const stock = stockOf(env, "prd_1");
  const command = { levels: [{ store_id: "sto_1", quantity: 5 }], actor: "a" };
  expect(await stock.open("prd_1", command)).toEqual({ opened: ["sto_1"] });
  expect(await stock.open("prd_1", command)).toEqual({ opened: [] });
  const request = { claim: "clm_1", orderId: "ord_1", quantity: 2, stores: [], only: false };
  expect(await stock.reserve("prd_1", [request], testClock.now() + HOUR)).toEqual([
    { kind: "held", allocations: [{ store_id: "sto_1", quantity: 2 }] },
  ]);
  expect(await listDurableObjectIds(env.STOCK)).toHaveLength(1);
});
