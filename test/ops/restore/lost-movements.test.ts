import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { LostWindow } from "../../../src/cli/lost-window.ts";
import { restoreShop } from "../../../src/cli/restore-shop.ts";
import { stockOf } from "../../../src/inventory/client.ts";
import { givenAdmin, quiet, saved } from "../../chaos/shop-backup.ts";
import { testClock } from "../../support/clock.ts";
import { basket, givenShop, placed, post } from "../../support/shop.ts";

const MINUTE = 60_000;

test("the report of a restore names what people did to stock since the backup, and nothing that orders did", async () => {
  const { productIds, storeIds } = await givenShop([[5, 0], [1]]);
  const [apple = "", pear = ""] = productIds;
  const [store = "", other = ""] = storeIds;
  const { api, headers } = await givenAdmin();
  const done = async (path: string, body: object) =>
    expect((await post(`/inventory/${path}`, { reason: "r", ...body }, headers)).status).toBe(201);
  await done(`${apple}/adjust`, { store_id: store, type: "set", quantity: 9 });
  testClock.advance(MINUTE);
  const { backup } = await saved(api);
  testClock.advance(MINUTE);
  await done(`${pear}/adjust`, { store_id: store, type: "receive", quantity: 100, reason: "delivery 7" });
  await done(`${apple}/transfer`, { from_store_id: store, to_store_id: other, quantity: 2 });
  await placed(await post("/orders", basket({ [apple]: 1 })));

  const reports: LostWindow[] = [];
  const report = async (lost: LostWindow) => void reports.push(lost);
  expect(await restoreShop(api, backup, { ...quiet, report })).toMatchObject({ kind: "open", open: [] });
  const [lost] = reports;
  expect(lost?.movements_left_out).toBe(false);
  expect(new Set(lost?.movements.map((one) => `${one.product_id} ${one.type} ${one.quantity}`))).toEqual(
    new Set([`${pear} receive 100`, `${apple} transfer_out -2`, `${apple} transfer_in 2`]),
  );
  expect(lost?.movements).toContainEqual(expect.objectContaining({ reason: "delivery 7", store_id: store }));
});

test("of a product that people moved very often the report has the newest lines, and says so", async () => {
  const { productIds, storeIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const [storeId = ""] = storeIds;
  const { api } = await givenAdmin();
  const { backup } = await saved(api);
  testClock.advance(MINUTE);
  const more = { storeId, type: "add", quantity: 1, reason: "r", reference: null, actor: "t" } as const;
  for (let i = 0; i < 101; i++) await stockOf(env, apple).adjust(apple, { ...more, operation: `op_${i}` });
  const reports: LostWindow[] = [];
  const report = async (lost: LostWindow) => void reports.push(lost);
  expect(await restoreShop(api, backup, { ...quiet, report })).toMatchObject({ kind: "open", open: [] });
  expect(reports.map((lost) => [lost.movements.length, lost.movements_left_out])).toEqual([[100, true]]);
});
