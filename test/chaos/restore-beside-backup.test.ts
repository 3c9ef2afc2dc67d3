import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { restoreShop } from "../../src/cli/restore-shop.ts";
import { stockOf } from "../../src/inventory/client.ts";
import { answerOf } from "../orders/ask.ts";
import { get, givenShop } from "../support/shop.ts";
import { givenAdmin, quiet, saved } from "./shop-backup.ts";

/** A backup beside a restore: it would have parts of two histories, and look whole. */

test("no backup is made of a shop that is being restored", async () => {
  await givenShop([[5]]);
  const { api: plain } = await givenAdmin();
  const { backup } = await saved(plain);
  const { api } = await givenAdmin(async (method, path) => {
    // All objects are empty by then, and the tables are there.
    if (method === "POST" && path === "/ops/backup/finish")
      await expect(saved(plain)).rejects.toThrow("The shop is being restored");
  });
  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open", open: [] });
});

test.each([
  ["before its first table is read", /^\/ops\/backup\/tables\//],
  ["before its objects are read", /^\/ops\/backup\/stock/],
])("no backup is made across a restore that comes %s", async (_, moment) => {
  await givenShop([[1]]);
  const { api: plain } = await givenAdmin();
  const { backup } = await saved(plain);
  let restored = false;
  const { api } = await givenAdmin(async (method, path) => {
    if (method !== "GET" || !moment.test(path) || restored) return;
    restored = true;
    expect(await restoreShop(plain, backup, quiet)).toMatchObject({ kind: "open", open: [] });
  });
  await expect(saved(api)).rejects.toThrow("A restore has begun since");
});

test("no backup is made across a restore that has only begun when it ends", async () => {
  await givenShop([[1]]);
  const { api: plain } = await givenAdmin();
  const { backup } = await saved(plain);
  const begun = Promise.withResolvers<void>();
  let other: Promise<unknown> = Promise.resolve();
  const { api } = await givenAdmin(async (_, path) => {
    if (path !== "/ops/backup/stock") return;
    const pause = async () => begun.resolve();
    other = restoreShop(plain, backup, { ...quiet, pause });
    await begun.promise;
  });
  await expect(saved(api)).rejects.toThrow("restore");
  expect(await other).toMatchObject({ kind: "open", open: [] });
});

test("an object whose dump began before a restore is not gone on with, nor is one that is being restored", async () => {
  const { productIds } = await givenShop([[1]]);
  const [apple = ""] = productIds;
  const { headers } = await givenAdmin();
  const page = async (cursor: object | null) => {
    const query = cursor === null ? "" : `?cursor=${encodeURIComponent(JSON.stringify(cursor))}`;
    const { status, body } = await answerOf(get(`/ops/backup/stock/${apple}${query}`, headers));
    return [status, body?.code];
  };
  const begun = { part: "changes", after: 0, began: 0, generation: 0 };
  expect([await page(null), await page(begun)]).toEqual([
    [200, undefined],
    [200, undefined],
  ]);
  const stock = stockOf(env, apple);
  await stock.empty(apple, 1);
  expect([await page(null), await page({ ...begun, generation: 1 })]).toEqual([
    [409, "stock_restored"],
    [409, "stock_restored"],
  ]);
  await stock.load(apple, { first: true, last: true, rows: [], generation: 1 });
  expect([await page(null), await page(begun)]).toEqual([
    [200, undefined],
    [409, "stock_restored"],
  ]);
});
