import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { categories, products, stores } from "../../../src/catalog/tables.ts";
import { claims } from "../../../src/claims/tables.ts";
import type { BackupWriter } from "../../../src/cli/save-shop.ts";
import { tableFile } from "../../../src/cli/save-shop.ts";
import { events, work } from "../../../src/events/tables.ts";
import { orderHistory, orderItems, orderStores, orders, shipments } from "../../../src/orders/tables.ts";
import { customerWords } from "../../../src/orders/words.ts";
import { paymentEvents, payments } from "../../../src/payments/tables.ts";
import { columnsOf } from "../../../src/platform/columns.ts";
import { idempotency } from "../../../src/platform/tables.ts";
import {
  CATEGORIES,
  CURRENCY,
  idOf,
  type MadeUpOrder,
  madeUpOrder,
  openedAt,
  type ShopSize,
  STORES,
} from "./made-up-orders.ts";

const DAY_MS = 86_400_000;
const PRICE = 1_999;
/** Orders whose rows are written at a time. */
const ORDERS_AT_ONCE = 2_000;

/** Rows of the tables of a backup, gathered until they are written. */
class Rows {
  readonly #files = new Map<string, Record<string, unknown>[]>();

  /** Rows as the program has them become rows as D1 has them: so the compiler knows when a table gets a column. */
  put<Table extends SQLiteTable>(name: string, table: Table, ...rows: Table["$inferSelect"][]): void {
    const columns = Object.entries(columnsOf(table));
    const file = this.#files.get(name) ?? [];
    this.#files.set(name, file);
    for (const row of rows as Record<string, unknown>[]) {
      file.push(
        Object.fromEntries(
          columns.map(([key, column]) => [
            column.name,
            row[key] === null ? null : column.mapToDriverValue(row[key]),
          ]),
        ),
      );
    }
  }

  async write(writer: BackupWriter): Promise<void> {
    for (const [name, rows] of this.#files) await writer.append(tableFile(name), rows);
    this.#files.clear();
  }
}

/** Writes the catalogue and the orders with all that belongs to them, as a shop would have them. */
export async function writeOrders(writer: BackupWriter, size: ShopSize, now: number): Promise<void> {
  const rows = new Rows();
  putCatalogue(rows, size, now);
  await rows.write(writer);
  let seq = 0;
  for (let number = 0; number < size.orders; number++) {
    seq = putOrder(rows, madeUpOrder(number, size, now), seq, now);
    if ((number + 1) % ORDERS_AT_ONCE === 0) await rows.write(writer);
  }
  await rows.write(writer);
}

function putCatalogue(rows: Rows, size: ShopSize, now: number): void {
  const dated = { version: 1, createdAt: openedAt(now), updatedAt: openedAt(now) };
  for (let number = 0; number < CATEGORIES; number++) {
    rows.put("categories", categories, {
      ...dated,
      id: idOf("cat", number),
      name: `Category ${number}`,
      description: "Of all kinds",
      // What people compare and search by is written by the Worker, each minute.
      nameKey: null,
      nameWords: null,
    });
  }
  for (let number = 0; number < STORES; number++) {
    rows.put("stores", stores, {
      ...dated,
      id: idOf("sto", number),
      name: `Store ${number}`,
      address: `${number} High Street`,
      country: "GB",
      priority: number + 1,
      nameKey: null,
    });
  }
  for (let number = 0; number < size.products; number++) {
    rows.put("products", products, {
      ...dated,
      createdAt: openedAt(now) + number,
      id: idOf("prd", number),
      sku: skuOf(number),
      title: titleOf(number),
      description:
        "Made of the best that there is, by hand, for every day of the week and for the holidays too.",
      categoryId: idOf("cat", number % CATEGORIES),
      price: PRICE,
      currency: CURRENCY,
      lowStockThreshold: 10,
      maxPerOrder: null,
      active: true,
      attributes: { colour: "blue", material: "wool" },
      titleWords: null,
      descriptionWords: null,
      skuKey: null,
      titleKey: null,
      folded: 0,
    });
  }
}

const MATERIALS = ["Cotton", "Granite", "Wooden", "Rubber", "Bamboo", "Linen", "Marble"];
const THINGS = ["Chair", "Lamp", "Gloves", "Keyboard", "Bottle", "Hat", "Towels", "Table", "Mouse", "Shirt"];
const titleOf = (number: number): string =>
  `${MATERIALS[number % MATERIALS.length]} ${THINGS[number % THINGS.length]} ${number}`;
const skuOf = (number: number): string => `SCALE-${number}`;

/** @returns the last event's place in the log */
function putOrder(rows: Rows, { number, versions, lines }: MadeUpOrder, seq: number, now: number): number {
  const id = idOf("ord", number);
  const [placed] = versions;
  const last = versions.at(-1) ?? placed;
  const sold = versions.find(({ status }) => status === "confirmed") ?? null;
  const totalItems = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const total = totalItems * PRICE;
  const items = lines.map(({ product, quantity, allocation }) => ({
    product_id: idOf("prd", product),
    quantity,
    allocations: [allocation],
  }));
  const email = `buyer${number % 5_000}@shop.example`;
  const money = { subtotal: total, shipping: 0, tax: 0, duty: 0, total };
  const nothing = {
    revivalClaim: null,
    storeId: null,
    batchId: null,
    cartId: null,
    userId: null,
    notes: null,
    placedFrom: null,
  };
  rows.put("orders", orders, {
    ...nothing,
    ...money,
    ...{ id, reference: referenceOf(number), claimId: idOf("clm", number), status: last.status },
    paymentStatus: sold === null ? "awaiting" : "paid",
    paymentMethod: "card",
    priority: "normal",
    customer: JSON.stringify({ name: `Buyer ${number % 5_000}`, email }),
    customerEmail: email,
    customerWords: customerWords({ name: `Buyer ${number % 5_000}` }),
    accessTokenHash: idOf("hash", number).padEnd(64, "0"),
    shippingAddress: JSON.stringify({
      name: `Buyer ${number % 5_000}`,
      ...{ line1: `${number % 200} High Street`, city: "London", postal_code: "N1 1AA", country: "GB" },
    }),
    currency: CURRENCY,
    totalItems,
    metadata: null,
    expiresAt: last.status === "pending" ? now + DAY_MS : placed.at + 1_800_000,
    version: versions.length,
    stamp: idOf("stamp", number),
    ...{ statusAt: last.at, createdAt: placed.at, updatedAt: last.at },
    ...{ eventsOwed: 0, delayedAt: null, delayedRetries: 0, soldAt: sold?.at ?? null, droppedAt: null },
    ...{ placedBy: null, placedAs: null },
  });
  for (const [line, { product, quantity, allocation }] of lines.entries()) {
    rows.put("order_items", orderItems, {
      ...{ orderId: id, productId: idOf("prd", product), line, sku: skuOf(product), title: titleOf(product) },
      ...{ quantity, unitPrice: PRICE, allocations: JSON.stringify([allocation]), available: null },
    });
  }
  const storeIds = new Set(lines.map(({ allocation }) => allocation.store_id));
  for (const storeId of storeIds) rows.put("order_stores", orderStores, { storeId, orderId: id });
  rows.put("claims", claims, {
    ...{ id: idOf("clm", number), fate: "placed", orderId: id },
    ...{ stamp: idOf("stamp", number), decidedAt: placed.at },
  });
  for (const [index, { status, at }] of versions.entries()) {
    const version = index + 1;
    const place = seq + version;
    rows.put("order_history", orderHistory, {
      ...{ orderId: id, version, from: versions[index - 1]?.status ?? null, to: status, at },
      ...{ actor: "system", reason: null, operation: idOf("opr", place) },
      snapshot: JSON.stringify({ status, total, currency: CURRENCY, expires_at: null, items }),
      placedAs: null,
      kind: null,
    });
    rows.put("events", events, {
      ...{
        seq: place,
        id: idOf("evt", place),
        type: `order.${status}`,
        at,
        objectType: "order",
        objectId: id,
      },
      objectVersion: version,
      data: JSON.stringify({ reference: referenceOf(number), status, total, currency: CURRENCY }),
    });
    rows.put("work", work, {
      ...{ id: idOf("wrk", place), task: index === 0 ? "email" : "follow", objectId: id, state: "done" },
      payload: JSON.stringify({ order_id: id, version }),
      ...{ notBefore: at, attempts: 1, lease: null, error: null, requestId: idOf("req", place) },
      ...{ createdAt: at, startedAt: at + 1, finishedAt: at + 20 },
    });
  }
  putPayment(rows, number, sold, placed.at, total);
  if (last.status === "shipped" || last.status === "delivered") {
    const shipped = versions.find(({ status }) => status === "shipped") ?? last;
    rows.put("shipments", shipments, {
      ...{ id: idOf("shp", number), orderId: id, orderVersion: versions.indexOf(shipped) + 1 },
      items: JSON.stringify(
        items.map(({ product_id, quantity, allocations: [from] }) => ({
          ...{ product_id, store_id: from?.store_id, quantity },
        })),
      ),
      ...{ tracking: `T${number}`, carrier: "post", createdAt: shipped.at },
    });
  }
  // Keys are kept for a day.
  if (placed.at > now - 2 * DAY_MS) {
    rows.put("idempotency", idempotency, {
      ...{ scope: "public", key: `key-${number}`, fingerprint: idOf("sha", number) },
      ...{ operation: idOf("clm", number).slice(4), status: 201, body: JSON.stringify({ id, items }) },
      createdAt: placed.at,
    });
  }
  return seq + versions.length;
}

const referenceOf = (number: number): string => `ORD-${String(number).padStart(10, "0")}`;

function putPayment(
  rows: Rows,
  number: number,
  sold: { at: number } | null,
  at: number,
  total: number,
): void {
  const orderId = idOf("ord", number);
  const providerId = idOf("pi", number);
  rows.put("payments", payments, {
    ...{ id: idOf("pay", number), orderId, provider: "standard", providerId },
    ...{ status: sold === null ? "open" : "succeeded", amount: total, currency: CURRENCY },
    ...{ captured: sold === null ? 0 : total, refunded: 0, clientSecret: null, stamp: idOf("stamp", number) },
    ...{ createdAt: at, updatedAt: sold?.at ?? at },
  });
  if (sold === null) return;
  rows.put("payment_events", paymentEvents, {
    ...{ provider: "standard", eventId: `evt-${number}`, orderId, reference: referenceOf(number) },
    ...{ kind: "succeeded", amount: total, currency: CURRENCY, providerId, refundId: null },
    ...{ state: "done", outcome: "paid", operation: idOf("opr", number).slice(4) },
    ...{ stamp: idOf("stamp", number), receivedAt: sold.at },
  });
}
