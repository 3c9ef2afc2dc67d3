import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { recountStock } from "../../src/inventory/projection/projection.ts";

const folder = join(import.meta.dirname, "../../migrations");
const migrations = readdirSync(folder)
  .filter((name) => name.endsWith(".sql"))
  .sort()
  .map((name) => readFileSync(join(folder, name), "utf8"));
/** The first that knows of what is counted of stock. */
const begin = migrations.findIndex((text) => text.includes("product_stock"));

const COUNTED = ["stock_levels", "product_stock", "store_stock", "stock_states"];

test("a shop from before counts its stock when it is migrated, as a recount does", () => {
  const db = new DatabaseSync(":memory:");
  for (const text of migrations.slice(0, begin)) db.exec(text);
  db.exec(
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59)
     INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active,
       attributes, version, created_at, updated_at)
     SELECT 'prd_' || i, 'S' || i, 'Title ' || i, '', 'cat_1', 5, 'USD', i % 7, i % 5 > 0, '{}', 1, 3, 3 FROM n;
     WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 149)
     INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
     SELECT 'prd_' || (i % 50), 'sto_' || (i / 50), i % 9, i % 9 / 2, i % 9 - i % 9 / 2, 1, 1, i FROM n;`,
  );
  for (const text of migrations.slice(begin)) db.exec(text);

  const counted = () => COUNTED.map((table) => db.prepare(`SELECT * FROM ${table}`).all());
  const migrated = counted();
  expect(migrated.map((rows) => rows.length > 0)).toEqual([true, true, true, true]);
  const fallen = db.prepare("SELECT product_id, told FROM low_stock ORDER BY product_id").all();
  expect(fallen).toEqual(
    db
      .prepare(
        "SELECT product_id, 0 AS told FROM product_stock WHERE stores > 0 AND state IN ('low', 'out') ORDER BY 1",
      )
      .all(),
  );
  expect(fallen.length).toBeGreaterThan(0);

  for (const statement of recountStock()) {
    const { text, values } = statement.compile();
    db.prepare(text).run(...values);
  }
  expect(counted()).toEqual(migrated);
});
