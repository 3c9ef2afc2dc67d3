import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { startAnew } from "../support/migrated.ts";
import { givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";

/** Each test starts from a copy of what the migrations make (test/support/migrated.ts): these hold it against them. */

/** What was made, in its order, and all rows of it, those of the text index's own tables too. */
async function wholeDatabase() {
  const { results: schema } = await env.DB.prepare(
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY rowid",
  ).all<{ type: string; name: string; sql: string | null }>();
  const rows: Record<string, unknown[]> = {};
  for (const { type, name, sql } of schema) {
    // What a virtual table has is in the tables that it made.
    if (type !== "table" || sql?.startsWith("CREATE VIRTUAL TABLE")) continue;
    rows[name] = (await env.DB.prepare(`SELECT * FROM "${name}"`).all()).results;
  }
  const { d1_migrations: writtenDown = [], cache_generation: generations = [], ...others } = rows;
  return { schema, writtenDown, generations: generations as { id: number; generation: string }[], others };
}

test("a test starts from what the migrations make, one after the other", async () => {
  const copied = await wholeDatabase();
  await reset();
  await applyD1Migrations(env.DB, env.MIGRATIONS);
  const migrated = await wholeDatabase();
  expect(migrated.schema.length).toBeGreaterThan(150);
  expect(copied.schema).toEqual(migrated.schema);
  const sequence = [{ name: "d1_migrations", seq: env.MIGRATIONS.length }];
  expect(migrated.others.sqlite_sequence).toEqual(sequence);
  expect(copied.others).toEqual({ ...migrated.others, sqlite_sequence: [{ name: "d1_migrations", seq: 1 }] });
  // By chance, in each database anew.
  const GENERATION = [{ id: 1, generation: expect.stringMatching(/^[0-9a-f]{32}$/) }];
  expect([copied.generations, migrated.generations]).toEqual([GENERATION, GENERATION]);
  expect(copied.generations).not.toEqual(migrated.generations);
});

test("nothing of one test is there in the next", async () => {
  const before = await wholeDatabase();
  await signIn("admin");
  const { productIds } = await givenShop([[3, 1], [2]]);
  await env.CACHE.put("a key of this test", "its value");
  await env.DB.prepare("CREATE TABLE of_this_test (id INTEGER)").run();
  await env.DB.prepare("DROP TRIGGER products_added").run();
  const dirty = await wholeDatabase();
  expect(dirty.others.products).toHaveLength(productIds.length);

  await startAnew();
  const after = await wholeDatabase();
  expect({ ...after, generations: [] }).toEqual({
    ...{ ...before, generations: [] },
    writtenDown: [{ id: 1, name: "all", applied_at: expect.any(String) }],
  });
  expect(after.generations).not.toEqual(before.generations);
  expect((await env.CACHE.list()).keys).toEqual([]);
});
