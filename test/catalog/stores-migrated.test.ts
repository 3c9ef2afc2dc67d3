import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { foldRows } from "../../src/catalog/search/fold-rows.ts";
import { signIn } from "../support/sign-in.ts";
import { api } from "./api.ts";

const insert = (id: string, name: string, key: string | null) =>
  env.DB.prepare(
    `INSERT INTO stores (id, name, address, country, priority, version, created_at, updated_at, name_key)
     VALUES (?1, ?2, '', 'FR', 1, 1, 0, 0, ?3)`,
  ).bind(id, name, key);

const keys = async () =>
  (await env.DB.prepare("SELECT id, name, name_key FROM stores ORDER BY rowid").all()).results.map(
    ({ id, name, name_key }) => [id, name, name_key],
  );

/** A shop of the commit before this migration: it wrote keys by the minute alone, and not when a store was renamed. */
async function migrate(stores: [id: string, name: string, key: string | null][]): Promise<void> {
  await reset();
  const place = env.MIGRATIONS.findIndex(({ name }) => name.includes("store_names"));
  expect(place).toBeGreaterThan(0);
  await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, place));
  await env.DB.batch(stores.map((store) => insert(...store)));
  await applyD1Migrations(env.DB, env.MIGRATIONS);
}

test("a shop from before keeps stores of one name, and refuses only a new one", async () => {
  await migrate([
    ["sto_1", "Lyon", "lyon"],
    ["sto_2", "LYON", "lyon sto_2"],
    // Renamed, with the key of what it was.
    ["sto_3", "Paris", "rome"],
    ["sto_4", "paris", null],
    ["sto_5", "Москва", null],
    ["sto_6", "МОСКВА", null],
    ["sto_7", "New  York", null],
  ]);
  const plain = [
    ["sto_1", "Lyon", "lyon"],
    ["sto_2", "LYON", null],
    ["sto_3", "Paris", "paris"],
    ["sto_4", "paris", null],
  ];
  expect((await keys()).slice(0, 4)).toEqual(plain);
  const staff = (await signIn("staff")).headers;
  const create = (name: string) => api("POST", "/stores", staff, { name, country: "FR" });
  // At once, before the first minute.
  expect([(await create("lyon")).status, (await create("Rome")).status]).toEqual([409, 201]);
  await foldRows({ env });
  expect((await keys()).slice(0, 7)).toEqual([
    ["sto_1", "Lyon", "lyon"],
    ["sto_2", "LYON", "lyon sto_2"],
    ["sto_3", "Paris", "paris"],
    ["sto_4", "paris", "paris sto_4"],
    ["sto_5", "Москва", "москва"],
    ["sto_6", "МОСКВА", "москва sto_6"],
    ["sto_7", "New  York", "new york"],
  ]);
  for (const name of ["lyon", "PARIS", "москва", "new york", "rome"]) {
    expect([name, (await create(name)).status]).toEqual([name, 409]);
  }
  // Each of two that have one name may be changed, with its name as it is too; and then be told apart.
  for (const id of ["sto_1", "sto_2"]) {
    const { name } = (await api("GET", `/stores/${id}`)).body;
    expect((await api("PATCH", `/stores/${id}`, staff, { name, priority: 9 })).status).toBe(200);
  }
  expect((await api("PATCH", "/stores/sto_2", staff, { name: "Lyon 2" })).status).toBe(200);
  expect((await create("lyon 2")).status).toBe(409);
});

test("a store that the Worker before renames is folded again", async () => {
  await migrate([["sto_1", "Lyon", "lyon"]]);
  const rename = (name: string) =>
    env.DB.prepare("UPDATE stores SET name = ?1, version = version + 1 WHERE id = 'sto_1'").bind(name).run();
  await rename("Paris");
  expect(await keys()).toEqual([["sto_1", "Paris", null]]);
  await foldRows({ env });
  expect(await keys()).toEqual([["sto_1", "Paris", "paris"]]);
  await rename("PARIS");
  expect(await keys()).toEqual([["sto_1", "PARIS", "paris"]]);
});
