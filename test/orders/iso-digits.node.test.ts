import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";

const folder = join(import.meta.dirname, "../../migrations");
const migrations = readdirSync(folder)
  .filter((name) => name.endsWith(".sql"))
  .sort();
/** The one since which MGA and MRU have ISO 4217's two digits, and not one. */
const place = migrations.findIndex((name) => name.endsWith("_iso_digits.sql"));

type Row = Record<string, unknown>;

const DAY = 86_400_000;

/** A shop of the commit before: the same product, cart, order, payment, refund and events in each of these currencies. */
const CURRENCIES = ["MGA", "MRU", "USD", "KWD"];

function shopOfBefore(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  for (const name of migrations.slice(0, place)) db.exec(readFileSync(join(folder, name), "utf8"));
  db.exec(`UPDATE figures_added_up SET until = ${3 * DAY};
    INSERT INTO categories (id, name, description, version, created_at, updated_at) VALUES ('cat', 'C', '', 1, 0, 0)`);
  const snapshot = (currency: string) =>
    `'{"status":"confirmed","total":250,"currency":"${currency}","items":[{"product_id":"p","quantity":2}]}'`;
  for (const c of CURRENCIES) {
    const event = (id: string, type: string, data: unknown, object = `order', 'ord_${c}`) =>
      `('${id}_${c}', '${type}', 1, '${object}', 1, '${JSON.stringify(data)}')`;
    const lines = [
      { product_id: "prd_b", quantity: 1, amount: 40 },
      { product_id: "prd_a", quantity: 1, amount: 30 },
    ];
    db.exec(`
      INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active, attributes,
        version, created_at, updated_at) VALUES ('prd_${c}', '${c}', 'T', '', 'cat', 125, '${c}', 1, 1, '{}', 1, 0, 0);
      INSERT INTO product_history (product_id, version, at, actor, action, snapshot)
        VALUES ('prd_${c}', 1, 0, 'a', 'created', '{"price":{"amount":"12.5","currency":"${c}"}}');
      INSERT INTO cart_items (cart_id, product_id, line, quantity, unit_price, currency) VALUES ('crt', 'prd_${c}', 0, 1, 124, '${c}');
      INSERT INTO orders (id, reference, claim_id, status, payment_status, payment_method, priority, customer, customer_email,
        currency, subtotal, shipping, tax, duty, total, total_items, version, stamp, status_at, created_at, updated_at, sold_at,
        placed_as)
      VALUES ('ord_${c}', 'ORD-${c}', 'clm', 'confirmed', 'paid', 'card', 'normal', '{}', 'e', '${c}', 250, 1, 2, 3, 256, 2, 2,
        's', ${DAY}, ${DAY}, ${DAY}, ${DAY}, ${snapshot(c)});
      INSERT INTO order_items (order_id, product_id, line, sku, title, quantity, unit_price, allocations)
        VALUES ('ord_${c}', 'prd_${c}', 0, 'S', 'T', 2, 125, '[{"store_id":"s","quantity":2,"shipped":0}]');
      INSERT INTO order_history (order_id, version, from_status, to_status, at, actor, snapshot, placed_as)
        VALUES ('ord_${c}', 2, 'pending', 'confirmed', 1, 'a', ${snapshot(c)}, ${snapshot(c)}),
          ('ord_${c}', 3, 'confirmed', 'confirmed', 1, 'a', ${snapshot(c)}, NULL);
      INSERT INTO payments (id, order_id, provider, status, amount, currency, captured, refunded, stamp, created_at, updated_at)
        VALUES ('pay_${c}', 'ord_${c}', 'stripe', 'succeeded', 256, '${c}', 256, 70, 's', 1, 1);
      INSERT INTO refunds (id, payment_id, order_id, amount, currency, state, created_at, updated_at, items)
        VALUES ('rfd_${c}', 'pay_${c}', 'ord_${c}', 70, '${c}', 'due', ${DAY}, 1, '${JSON.stringify(lines)}'),
          ('rfd_2_${c}', 'pay_${c}', 'ord_${c}', 5, '${c}', 'due', ${DAY}, 1, NULL);
      INSERT INTO payment_events (provider, event_id, order_id, reference, kind, amount, currency, state, operation, stamp, received_at)
        VALUES ('stripe', 'named_${c}', NULL, 'x', 'succeeded', 256, '${c}', 'unmatched', 'o', 's', 1),
          ('standard', 'found_${c}', 'ord_${c}', 'x', 'succeeded', 256, NULL, 'done', 'o', 's', 1),
          ('standard', 'owed_${c}', NULL, 'ord-${c.toLowerCase()}', 'succeeded', 256, NULL, 'owed', 'o', 's', 1),
          ('standard', 'id_${c}', NULL, 'ord_${c}', 'succeeded', 256, NULL, 'owed', 'o', 's', 1);
      INSERT INTO work (id, task, object_id, payload, state, not_before, attempts, created_at)
        VALUES ('w1_${c}', 'refund', 'ord_${c}', '{"order_id":"ord_${c}","amount":7,"reason":null}', 'owed', 1, 0, 1),
          ('w2_${c}', 'refund', 'ord_${c}', '{"order_id":"ord_${c}","amount":null,"reason":null}', 'owed', 1, 0, 1),
          ('w3_${c}', 'refund', 'rfd_${c}', '{"refund_id":"rfd_${c}"}', 'dead', 1, 0, 1);
      INSERT INTO events (id, type, at, object_type, object_id, object_version, data) VALUES
        ${event("placed", "order.placed", { reference: "r", total: 256, currency: c })},
        ${event("closed", "order.closed", { closed: [{ quantity: 1 }], refund: 70, refund_ids: [], currency: c })},
        ${event("due", "payment.refund_due", { refund_id: "r", amount: 70, items: lines })},
        ${event("due_all", "payment.refund_due", { refund_id: "r", amount: 70, items: null })},
        ${event("requested", "refund.requested", { amount: { amount: "7.0", currency: c } })},
        ${event("shipped", "order.shipped", { shipment: { items: [{ quantity: 1 }] } })},
        ${event("unmatched", "payment.unmatched", { kind: "succeeded", amount: 256, currency: c }, `payment', 'evt_${c}`)},
        ${event("product", "product.created", { price: { amount: "12.5", currency: c } }, `product', 'prd_${c}`)};`);
  }
  return db;
}

/** Every row of every table by its table, as text. */
function rowsOf(db: DatabaseSync): Record<string, string[]> {
  const tables = db
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%\\_index%' ESCAPE '\\' AND name <> 'cache_generation'",
    )
    .all() as { name: string }[];
  return Object.fromEntries(
    tables.map(({ name }) => [
      name,
      (db.prepare(`SELECT * FROM "${name}" ORDER BY 1, 2`).all() as Row[]).map((row) => JSON.stringify(row)),
    ]),
  );
}

/** What stores minor units, and how often in the rows of one currency. In columns, and in JSON of columns. */
const AMOUNTS = {
  cart_items: ["unit_price"],
  order_figures: ["amount", "refunded"],
  order_history: ["total"],
  order_items: ["unit_price"],
  orders: ["duty", "shipping", "subtotal", "tax", "total"],
  payment_events: ["amount"],
  payments: ["amount", "captured", "refunded"],
  product_documents: ["price"],
  products: ["price"],
  refunds: ["amount"],
  work: ["amount"],
  events: ["amount", "refund", "total"],
};

/** Multiplies each number under these names. What is a decimal stands in quotes, and stays. */
const timesTen = (row: string, names: string[]) =>
  row.replaceAll(
    new RegExp(`(\\\\*"(?:${names.join("|")})\\\\*":)(-?\\d+)`, "g"),
    (_, name, amount) => `${name}${Number(amount) * 10}`,
  );

test("amounts in MGA and MRU have one digit more, wherever they stand, and nothing else changes", () => {
  const db = shopOfBefore();
  const before = rowsOf(db);
  db.exec(readFileSync(join(folder, migrations[place] ?? ""), "utf8"));
  const after = rowsOf(db);
  const isOfBoth = (row: string) => /M(?:GA|RU)/.test(row);
  for (const [table, rows] of Object.entries(after)) {
    const names = AMOUNTS[table as keyof typeof AMOUNTS] ?? [];
    const expected = before[table]?.map((row) => (isOfBoth(row) ? timesTen(row, names) : row));
    expect([table, rows]).toEqual([table, expected]);
    if (names.length > 0)
      expect([table, rows.filter((row) => isOfBoth(row)).length > 1]).toEqual([table, true]);
  }
  const changed = Object.keys(after).filter((table) => `${after[table]}` !== `${before[table]}`);
  expect(changed.sort()).toEqual(Object.keys(AMOUNTS).sort());
  // One sale, in the figures of its quarter of an hour and of its day.
  const sold = db.prepare("SELECT amount, refunded FROM order_figures WHERE currency = 'MGA'").all();
  expect(sold).toEqual([
    { amount: 2_560, refunded: 750 },
    { amount: 2_560, refunded: 750 },
  ]);
});
