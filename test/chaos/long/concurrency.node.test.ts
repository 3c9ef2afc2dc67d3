import { afterAll, beforeAll, expect, test } from "vitest";
import type { Api } from "../../../src/cli/api.ts";
import {
  type Answer,
  exactInventory,
  placedOrder,
  placeOrder,
  stockProducts,
  unitsOf,
} from "../../support/http-shop.ts";
import { adminApi, removeState, type Server, startServer } from "../../support/server.ts";

/** Many buyers at once, over HTTP, against the server that `npm start` starts. */
let server: Server;
let api: Api;

beforeAll(async () => {
  // Fulfilment by hand: what is sold stays reserved, and can be counted.
  server = await startServer({ options: ["--no-seed"], env: { FULFILMENT: "manual" } });
  api = await adminApi(server);
}, 150_000);

afterAll(async () => {
  await server.stop();
  removeState(server.stateDir);
}, 30_000);

const together = <T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)));

const statuses = (answers: Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

const product = async (name: string, units: number): Promise<string> => {
  const [id] = await stockProducts(api, name, [units]);
  if (id === undefined) throw new Error("no product");
  return id;
};

test("of fifty buyers of the last unit one gets it", { timeout: 60_000 }, async () => {
  const last = await product("LAST", 1);

  const answers = await together(50, () => placeOrder(server.url, [{ product_id: last, quantity: 1 }]));

  expect(statuses(answers)).toEqual({ 201: 1, 409: 49 });
  expect(await exactInventory(api, last)).toMatchObject({ on_hand: 1, reserved: 1, available: 0 });
});

test("twenty twins of one key are one order, and another body is refused", { timeout: 60_000 }, async () => {
  const twin = await product("TWIN", 50);
  const key = "twins-of-one-key-0001";

  const answers = await together(20, () => placeOrder(server.url, [{ product_id: twin, quantity: 2 }], key));

  expect(statuses(answers)).toEqual({ 201: 20 });
  expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
  expect(await exactInventory(api, twin)).toMatchObject({ on_hand: 50, reserved: 2 });
  const other = await placeOrder(server.url, [{ product_id: twin, quantity: 3 }], key);
  expect(other.status).toBe(422);
  expect(await exactInventory(api, twin)).toMatchObject({ on_hand: 50, reserved: 2 });
});

test("of A+B beside B+A, with one of each, exactly one wins", { timeout: 120_000 }, async () => {
  for (let round = 0; round < 20; round += 1) {
    const pair = await stockProducts(api, `CROSS-${round}`, [1, 1]);
    const lines = pair.map((product_id) => ({ product_id, quantity: 1 }));

    const answers = await Promise.all([
      placeOrder(server.url, lines),
      placeOrder(server.url, lines.toReversed()),
    ]);

    expect(statuses(answers)).toEqual({ 201: 1, 409: 1 });
    for (const id of pair) expect(await exactInventory(api, id)).toMatchObject({ on_hand: 1, reserved: 1 });
  }
});

test("a hundred buyers of thirty products are sold what they were told", { timeout: 120_000 }, async () => {
  const units = Array.from({ length: 30 }, (_, index) => 3 + (index % 7));
  const ids = await stockProducts(api, "CROWD", units);
  const random = numbersFrom(7);
  const baskets = Array.from({ length: 100 }, () => {
    const chosen = new Set(Array.from({ length: 1 + random(4) }, () => ids[random(ids.length)] ?? ""));
    return [...chosen].map((product_id) => ({ product_id, quantity: 1 + random(3) }));
  });

  const answers = await together(100, (index) => placeOrder(server.url, baskets[index] ?? []));

  const accepted = answers.filter((answer) => answer.status === 201).map(placedOrder);
  expect(statuses(answers)).toEqual({ 201: accepted.length, 409: 100 - accepted.length });
  expect(accepted.length).toBeGreaterThan(0);
  expect(accepted.length).toBeLessThan(100);
  const sold = unitsOf(accepted);
  for (const [index, id] of ids.entries()) {
    const onHand = units[index] ?? 0;
    const reserved = sold.get(id) ?? 0;
    expect(await exactInventory(api, id)).toMatchObject({
      on_hand: onHand,
      reserved,
      available: onHand - reserved,
    });
  }
});

/** The same whole numbers each time, below what is asked. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}
