import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";

const folder = join(import.meta.dirname, "../../migrations");
const migrations = readdirSync(folder)
  .filter((name) => name.endsWith(".sql"))
  .sort();
/** The one since which refunds name items, and history its kinds. */
const place = migrations.findIndex((name) => name.endsWith("_refunds_of_items.sql"));

test("a shop from before keeps its refunds and its history, which name nothing, and its Worker goes on", () => {
  const db = new DatabaseSync(":memory:");
  const migrate = (names: string[]) => {
    for (const name of names) db.exec(readFileSync(join(folder, name), "utf8"));
  };
  const refund = (id: string) =>
    db.exec(`INSERT INTO refunds (id, payment_id, order_id, amount, currency, state, reason, provider_id, created_at,
      updated_at) VALUES ('${id}', 'pay_1', 'ord_1', 5, 'USD', 'due', 'r', NULL, 1, 2)`);
  const version = (number: number) =>
    db.exec(`INSERT INTO order_history (order_id, version, from_status, to_status, at, actor, snapshot)
      VALUES ('ord_1', ${number}, 'confirmed', 'processing', 3, 'a', '{}')`);
  expect(place).toBeGreaterThan(0);
  migrate(migrations.slice(0, place));
  refund("rfd_1");
  version(2);
  const before = [db.prepare("SELECT * FROM refunds").get(), db.prepare("SELECT * FROM order_history").get()];
  migrate(migrations.slice(place));
  expect([
    db.prepare("SELECT * FROM refunds").get(),
    db.prepare("SELECT * FROM order_history").get(),
  ]).toEqual([
    { ...before[0], items: null },
    { ...before[1], kind: null },
  ]);
  // As the Worker from before writes while the next one is not there yet.
  refund("rfd_2");
  version(3);
  expect(db.prepare("SELECT count(*) AS rows FROM refunds WHERE items IS NULL").get()).toEqual({ rows: 2 });
});
