import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { foldRows } from "../../../src/catalog/search/fold-rows.ts";
import { runSchedule } from "../../../src/schedule.ts";
import { testContext } from "../../events/context.ts";
import { testClock } from "../../support/clock.ts";
import { signIn } from "../../support/sign-in.ts";
import { api } from "../api.ts";
import { givenProducts } from "./given.ts";

const titles = async (q: string): Promise<string[]> =>
  (await api("GET", `/search/products?${new URLSearchParams({ q })}`)).body.results.map(
    ({ title }: { title: string }) => title,
  );

const unfolded = () =>
  env.DB.prepare("SELECT count(*) AS rows FROM products WHERE folded = 0").first<number>("rows");

/** A shop of the commit before this migration, with what it may have, and then migrated. */
async function migrate(before: () => Promise<unknown>): Promise<void> {
  await reset();
  const place = env.MIGRATIONS.findIndex(({ name }) => name.includes("folded_text"));
  expect(place).toBeGreaterThan(0);
  await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, place));
  await before();
  await applyD1Migrations(env.DB, env.MIGRATIONS);
}

const SHOP = [
  { title: "Ёлочная игрушка", category: "Игрушки" },
  { title: "東京タワー限定モデル", category: "Toys" },
  { title: "T-Shirt, red", category: "Clothing", sku: "TS-RED/1", stock: { sto_1: 4 } },
  { title: "Łódź poster", category: "Toys", description: "Z Łodzi", stock: { sto_1: 3 } },
  { title: "Lodge sign", category: "Toys", stock: { sto_1: 2 } },
];

let skus: string[];
beforeEach(async () => {
  await migrate(async () => {
    skus = await givenProducts(SHOP, { folded: false });
    await env.DB.batch(
      [
        "INSERT INTO categories (id, name, description, version, created_at, updated_at) VALUES ('cat_a', 'Äpfel', '', 1, 0, 0), ('cat_b', 'äpfel', '', 1, 0, 0)",
        "INSERT INTO stores (id, name, address, country, priority, version, created_at, updated_at) VALUES ('sto_1', 'Łódź', '', 'PL', 1, 1, 0, 0), ('sto_2', 'łódź', '', 'PL', 2, 1, 0, 0)",
        "UPDATE products SET sku = 'E\u0301-1' WHERE title = 'Lodge sign'",
      ].map((sql) => env.DB.prepare(sql)),
    );
  });
});

test("a shop from before finds what it found, and after a minute all that the fold finds", async () => {
  expect(skus).toHaveLength(SHOP.length);
  expect(await unfolded()).toBe(SHOP.length);
  const found = async () => ({
    yo: await titles("Ёлочная"),
    lodz: await titles("Łódź"),
    shirt: await titles("t-shirt"),
    tokyo: await titles("東京タワー限定モデル"),
    category: await titles("игрушки"),
  });
  const before = await found();
  expect(before).toEqual({
    yo: ["Ёлочная игрушка"],
    lodz: ["Łódź poster"],
    shirt: ["T-Shirt, red"],
    tokyo: ["東京タワー限定モデル"],
    category: ["Ёлочная игрушка"],
  });
  expect([await titles("елочная"), await titles("タワー"), await titles("tshirt")]).toEqual([[], [], []]);

  await runSchedule(testContext());
  testClock.advance(61_000);
  expect(await unfolded()).toBe(0);
  expect(await found()).toEqual(before);
  expect([
    await titles("елочная"),
    await titles("タワー"),
    await titles("tshirt"),
    await titles("ts red 1"),
  ]).toEqual([["Ёлочная игрушка"], ["東京タワー限定モデル"], ["T-Shirt, red"], ["T-Shirt, red"]]);
  const byTitle = (await api("GET", "/stores/sto_1/inventory", (await signIn("staff")).headers)).body.results;
  expect(byTitle.map(({ product_title }) => product_title)).toEqual([
    "Lodge sign",
    "Łódź poster",
    "T-Shirt, red",
  ]);
});

test("names that were two may stay so: the first has the key, and each keeps its products and its name", async () => {
  await foldRows({ env });
  const keys = async (table: string) =>
    (
      await env.DB.prepare(
        `SELECT id, name, name_key FROM ${table} WHERE id LIKE '___\\__' ESCAPE '\\' ORDER BY id`,
      ).all()
    ).results;
  expect(await keys("categories")).toEqual([
    { id: "cat_a", name: "Äpfel", name_key: "äpfel" },
    { id: "cat_b", name: "äpfel", name_key: "äpfel cat_b" },
  ]);
  expect(await keys("stores")).toEqual([
    { id: "sto_1", name: "Łódź", name_key: "łódź" },
    { id: "sto_2", name: "łódź", name_key: "łódź sto_2" },
  ]);
  // A sku of before becomes NFC, so that a bulk that sends it finds it.
  expect(await env.DB.prepare("SELECT sku FROM products WHERE title = 'Lodge sign'").first("sku")).toBe(
    "\u00c9-1",
  );
});

test("each minute folds a bounded part, twice at once too, and leaves what was changed meanwhile for the next", async () => {
  await givenProducts(
    Array.from({ length: 2_100 }, (_, n) => ({ title: `Ящик ${n}` })),
    { folded: false },
  );
  expect(await unfolded()).toBe(2_105);
  await foldRows({ env });
  expect(await unfolded()).toBe(105);
  await Promise.all([foldRows({ env }), foldRows({ env })]);
  expect(await unfolded()).toBe(0);
  expect(await titles("ящик 2099")).toEqual(["Ящик 2099"]);
  // By hand, and not what is written beside it.
  await env.DB.prepare("UPDATE products SET title = 'Шлём' WHERE title = 'Ящик 7'").run();
  expect([await unfolded(), await titles("шлём"), await titles("шлем")]).toEqual([1, ["Шлём"], []]);
  await foldRows({ env });
  testClock.advance(61_000);
  expect([await unfolded(), await titles("шлём"), await titles("шлем")]).toEqual([0, ["Шлём"], ["Шлём"]]);
});
