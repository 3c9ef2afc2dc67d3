import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { ORDER_STATUSES } from "../../src/orders/lifecycle.ts";

const folder = join(import.meta.dirname, "../../migrations");
const migrations = readdirSync(folder)
  .filter((name) => name.endsWith(".sql"))
  .sort();
/** The one that puts tables anew so that a sale writes fewer rows. */
const place = migrations.findIndex((name) => name.endsWith("_fewer_rows.sql"));
const read = (name: string) => readFileSync(join(folder, name), "utf8");

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Two days are over and added up. */
const UNTIL = 100 * DAY;

type Rows = Record<string, unknown>[];

/** A shop of the commit before: 400 orders of all kinds, and rows in each table that is put anew. */
function shopOfBefore(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  for (const name of migrations.slice(0, place)) db.exec(read(name));
  const of = (values: readonly string[]) =>
    `json_extract('${JSON.stringify(values)}', '$[' || (i % ${values.length}) || ']')`;
  const numbers = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 399)";
  const id = (prefix: string) => `'${prefix}_' || printf('%026d', 400 - i)`;
  const at = `${UNTIL - 2 * DAY} + i * ${DAY / 100}`;
  db.exec(`
    UPDATE figures_added_up SET until = ${UNTIL};
    ${numbers} INSERT INTO orders (id, reference, claim_id, cart_id, status, payment_status, payment_method, priority, customer,
      customer_email, currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at, created_at,
      updated_at, sold_at)
    SELECT ${id("ord")}, 'R' || i, ${id("clm")}, iif(i % 4 = 0, 'crt_' || i, NULL), ${of(ORDER_STATUSES)}, 'none', 'invoice',
      'normal', '{}', 'e' || (i % 30), iif(i % 3 = 0, 'EUR', 'USD'), 5, 0, 0, 0, 5 + i, 1 + i % 3, 2, 's', ${at}, ${at}, ${at},
      iif(i % 5 = 0, ${at} + ${HOUR}, ${at})
    FROM n WHERE i % 9 <> 8;
    ${numbers} INSERT INTO order_items SELECT ${id("ord")}, 'prd_' || (i % 7), 0, 'S', 'T', 1 + i % 3, 5, '[{"store_id":"sto_1","quantity":9,"shipped":0}]', NULL FROM n;
    ${numbers} INSERT INTO order_history SELECT ${id("ord")}, 1, NULL, 'pending', ${at}, 'guest', NULL, NULL, '{"total":1}' FROM n;
    UPDATE orders SET status = 'cancelled', status_at = status_at + ${DAY} WHERE status = 'confirmed' AND total % 2 = 0;
    ${numbers} INSERT INTO refunds SELECT ${id("rfd")}, ${id("pay")}, ${id("ord")}, 3, 'USD', 'due', NULL, NULL, ${at}, ${at} FROM n;
    UPDATE refunds SET state = 'failed', updated_at = updated_at + ${DAY} WHERE id LIKE '%7';
    ${numbers} INSERT INTO payments SELECT ${id("pay")}, ${id("ord")}, 'standard', 'p' || i, 'open', 5, 'USD', 0, 0, NULL, 's', ${at}, ${at} FROM n;
    ${numbers} INSERT INTO payment_events SELECT 'standard', 'e' || i, ${id("ord")}, 'R' || i, 'paid', 5, 'USD', NULL, NULL,
      ${of(["done", "owed", "flagged"])}, NULL, 'o' || i, 's', ${at} FROM n;
    ${numbers} INSERT INTO work SELECT ${id("wrk")}, 'email', ${id("ord")}, '{}', ${of(["owed", "done", "dead"])}, ${at}, 1, NULL, 'E', NULL, ${at}, NULL, ${at} FROM n;
    ${numbers} INSERT INTO shipments SELECT ${id("shp")}, ${id("ord")}, 2, '[]', NULL, 'DHL', ${at} FROM n;
    ${numbers} INSERT INTO returns SELECT ${id("ret")}, ${id("ord")}, 2, 'sto_1', '[]', 'x', ${at} FROM n;
    ${numbers} INSERT INTO carts SELECT 'crt_' || i, iif(i % 2 = 0, 'usr_1', NULL), 'h' || i, 3, 's', NULL, NULL, ${at}, ${at} FROM n;
    ${numbers} INSERT INTO cart_items SELECT 'crt_' || i, 'prd_1', 0, 1, 5, 'USD' FROM n;
    ${numbers} INSERT INTO job_runs SELECT ${id("run")}, 'x', NULL, ${at}, ${at}, 'done', 'y' FROM n;
    ${numbers} INSERT INTO events (id, type, at, object_type, object_id, object_version, data)
    SELECT 'evt_' || i, 'order.placed', ${at}, 'order', ${id("ord")}, 1, '{}' FROM n;
    DELETE FROM events WHERE seq < 50;`);
  return db;
}

const rowsOf = (db: DatabaseSync, sql: string): Rows => db.prepare(sql).all() as Rows;

test("a shop from before keeps every row of the tables that are put anew, and may go on", () => {
  const db = shopOfBefore();
  const tables = (rowsOf(db, "SELECT name FROM sqlite_master WHERE type = 'table'") as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => !/figures|^sqlite_|index|cache_generation/.test(name));
  const all = () =>
    new Map(
      tables.map((name) => [
        name,
        new Set(rowsOf(db, `SELECT * FROM ${name}`).map((row) => JSON.stringify(row))),
      ]),
    );
  const before = all();
  expect(
    [...before]
      .filter(([, rows]) => rows.size === 400)
      .map(([name]) => name)
      .sort(),
  ).toEqual([
    "cart_items",
    "carts",
    "job_runs",
    "order_history",
    "order_items",
    "payment_events",
    "payments",
    "refunds",
    "returns",
    "shipments",
    "work",
  ]);
  expect(before.get("events")?.size).toBe(351);

  db.exec(read(migrations[place] ?? ""));
  db.exec(
    "ALTER TABLE orders DROP COLUMN placed_by; ALTER TABLE orders DROP COLUMN placed_as; ALTER TABLE order_history DROP COLUMN placed_as;",
  );
  expect(all()).toEqual(before);
  expect(rowsOf(db, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  // No number is given twice.
  db.exec(
    "INSERT INTO events (id, type, at, object_type, object_id, object_version, data) VALUES ('e', 't', 1, 'order', 'o', 1, '{}')",
  );
  expect(rowsOf(db, "SELECT max(seq) AS seq FROM events")).toEqual([{ seq: 401 }]);
});

test("its figures are those that it had, in one table, and what changes goes on from there", () => {
  const db = shopOfBefore();
  const orders = rowsOf(db, "SELECT * FROM order_figures ORDER BY span, start");
  const sales = rowsOf(db, "SELECT * FROM sale_figures ORDER BY span, start, currency");
  const products = rowsOf(db, "SELECT * FROM product_figures ORDER BY span, start, product_id");
  expect([orders.length, sales.length, products.length].every((rows) => rows > 10)).toBe(true);
  expect(sales.some(({ refunded }) => Number(refunded) < 0)).toBe(true);
  for (const name of migrations.slice(place)) db.exec(read(name));

  const counts = ORDER_STATUSES.map((status) => `sum(${status}) AS ${status}`).join(", ");
  const anyOrder = ORDER_STATUSES.join(" + ");
  expect(
    rowsOf(
      db,
      `SELECT span, start, ${counts} FROM order_figures GROUP BY span, start HAVING sum(${anyOrder}) > 0 ORDER BY span, start`,
    ),
  ).toEqual(orders);
  const now = rowsOf(
    db,
    "SELECT span, start, currency, sold AS orders, units, amount, refunded FROM order_figures ORDER BY span, start, currency",
  );
  const isNothing = ({ orders, units, amount, refunded }: Rows[number]) =>
    [orders, units, amount, refunded].every((figure) => figure === 0);
  expect(now.filter((row) => !isNothing(row))).toEqual(sales.filter((row) => !isNothing(row)));
  expect(rowsOf(db, "SELECT * FROM product_figures ORDER BY span, start, product_id")).toEqual(products);

  // One more is cancelled: it is taken off in its quarter of an hour and, that day being added up, in its day.
  db.exec(`UPDATE orders SET status = 'cancelled', status_at = ${UNTIL - HOUR}
    WHERE id = (SELECT id FROM orders WHERE status = 'processing' AND currency = 'USD' ORDER BY id LIMIT 1)`);
  const after = rowsOf(
    db,
    "SELECT sum(sold) AS sold FROM order_figures WHERE currency = 'USD' GROUP BY span ORDER BY span",
  );
  const sold = (span: string) =>
    sales
      .filter((row) => row.span === span && row.currency === "USD")
      .reduce((sum, row) => sum + Number(row.orders), 0);
  expect(after).toEqual([{ sold: sold("day") - 1 }, { sold: sold("quarter") - 1 }]);
});

test("two living orders never have one cart, and dead ones may", () => {
  const db = shopOfBefore();
  for (const name of migrations.slice(place)) db.exec(read(name));
  const give = (status: string, cart: string) =>
    db.exec(
      `UPDATE orders SET cart_id = '${cart}' WHERE id = (SELECT id FROM orders WHERE status = '${status}' AND cart_id IS NULL LIMIT 1)`,
    );
  give("shipped", "crt_x");
  for (const dead of ["rejected", "cancelled", "expired", "cancelled"]) give(dead, "crt_x");
  expect(() => give("pending", "crt_x")).toThrow(/UNIQUE constraint failed: index 'orders_cart'/);
});
