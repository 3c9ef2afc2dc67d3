import { afterEach, beforeEach, expect, test } from "vitest";
import { applyMigrations, withLocalDatabase } from "../../src/cli/local-database.ts";
import { makeAdmin } from "../../src/cli/make-admin.ts";
import { runWrangler } from "../../src/cli/wrangler.ts";
import { freshState, removeState } from "../support/server.ts";

let directory: string;
beforeEach(() => {
  directory = freshState();
});
afterEach(() => removeState(directory));

test("what is migrated here is migrated for wrangler too, and neither does it twice", async () => {
  await withLocalDatabase(directory, applyMigrations);
  const d1 = ["d1", "migrations", "list", "holdfast", "--local", "--persist-to", directory];
  expect(await runWrangler(d1, directory)).toContain("No migrations to apply!");
  await withLocalDatabase(directory, applyMigrations);
});

test("an admin is made once, and again gets the new password", async () => {
  const admin = { email: "ada@shop.example", name: "Ada", password: "correct horse" };
  await withLocalDatabase(directory, async (db) => {
    await applyMigrations(db);
    expect(await makeAdmin(admin, db)).toEqual({ created: true });
    expect(await makeAdmin({ ...admin, password: "battery staple" }, db)).toEqual({ created: false });
    const { results } = await db.prepare("SELECT email, role FROM users").all();
    expect(results).toEqual([{ email: "ada@shop.example", role: "admin" }]);
  });
});
