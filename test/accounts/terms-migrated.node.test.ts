import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";

const folder = join(import.meta.dirname, "../../migrations");
const migrations = readdirSync(folder)
  .filter((name) => name.endsWith(".sql"))
  .sort();
const place = migrations.findIndex((name) => name.endsWith("_who_may_order_what.sql"));
const read = (name: string) => readFileSync(join(folder, name), "utf8");

test("accounts and products from before are bound by nothing new, and nobody is trusted", () => {
  const db = new DatabaseSync(":memory:");
  for (const name of migrations.slice(0, place)) db.exec(read(name));
  db.exec(`
    INSERT INTO users (id, email, name, password_hash, role, created_at, updated_at)
      VALUES ('usr_1', 'ada@shop.example', 'Ada', 'none', 'customer', 1, 1);
    INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active,
        attributes, version, created_at, updated_at)
      VALUES ('prd_1', 'MUG', 'Mug', '', 'cat_1', 5, 'USD', 10, 1, '{}', 1, 1, 1);`);
  const rows = () => [db.prepare("SELECT * FROM users").get(), db.prepare("SELECT * FROM products").get()];
  const [user, product] = rows();
  db.exec(read(migrations[place] ?? ""));
  expect(rows()).toEqual([
    { ...user, trusted: 0, payment_methods: null },
    { ...product, max_per_order: null },
  ]);
});
