import type { BodyRoute, World } from "./routes.ts";
import { CONTROLS, long, MISSING, NO_LINE, NO_QUANTITY, NOT_A_FLAG, NOT_A_LINE } from "./wrong-values.ts";

const NO_NOTE = [7, true, [], {}, "", "  ", long(501)];
const NO_ID = [7, true, [], {}, "", long(65)];
const NO_LIST = [{}, "x", 7, true];

/** Each as it stands after the one before: a part is shipped, the rest given up, and what went out comes back. */
export function fulfilmentRoutes(world: World): BodyRoute[] {
  const { productId, storeId, orderId, soldId, paymentId, flaggedId, unmatchedId } = world;
  return [
    {
      method: "POST",
      path: `/orders/${soldId}/shipments`,
      as: "staff",
      bodiless: true,
      inside: ["items.0"],
      answer: "201",
      body: {
        items: [{ product_id: productId, quantity: 1 }],
        store_id: storeId,
        tracking: "t",
        carrier: "c",
      },
      wrong: {
        items: [...NO_LIST, [], Array(101).fill({ product_id: productId, quantity: 1 })],
        "items.0": [null, 7, "x", []],
        "items.0.quantity": NO_QUANTITY,
        "items.0.product_id": [...NO_ID, null, MISSING],
        store_id: NO_ID,
        tracking: [...NOT_A_LINE, ...NO_NOTE, long(201)],
        carrier: [...NOT_A_LINE, ...NO_NOTE, long(101)],
      },
    },
    {
      method: "POST",
      path: `/orders/${soldId}/close`,
      as: "staff",
      bodiless: true,
      answer: "200",
      body: { refund: false, reason: "r" },
      wrong: { reason: [...NOT_A_LINE, ...NO_NOTE], refund: NOT_A_FLAG },
    },
    {
      method: "POST",
      path: `/orders/${soldId}/transitions`,
      as: "staff",
      answer: "200",
      body: { to: "delivered", note: "n", force: false },
      wrong: {
        force: NOT_A_FLAG,
        to: [7, true, null, [], {}, MISSING, "", "Delivered", "cancelled", "pending", "expired"],
        note: [...CONTROLS, ...NO_NOTE],
      },
    },
    {
      method: "POST",
      path: `/orders/${soldId}/returns`,
      as: "staff",
      inside: ["items.0"],
      answer: "201",
      body: {
        items: [{ product_id: productId, quantity: 1, restock: true }],
        store_id: storeId,
        reason: "r",
      },
      wrong: {
        items: [...NO_LIST, [], null, MISSING, Array(101).fill({ product_id: productId, quantity: 1 })],
        "items.0": [null, 7, "x", []],
        "items.0.quantity": NO_QUANTITY,
        "items.0.product_id": [...NO_ID, null, MISSING],
        "items.0.restock": NOT_A_FLAG,
        store_id: [...NO_ID, null, MISSING],
        reason: [...NO_LINE, long(501)],
      },
    },
    {
      method: "POST",
      path: `/payments/${paymentId}/refund`,
      as: "staff",
      bodiless: true,
      inside: ["amount"],
      answer: "201",
      body: { amount: { amount: "4.50", currency: "USD" }, reason: "r" },
      wrong: {
        amount: [7, 4.5, true, null, [], {}, "", "0", "-1", "1e3", "4.505", " 1", long(21), { amount: 4.5 }],
        "amount.currency": ["EUR", "$"],
        reason: [...NOT_A_LINE, ...NO_NOTE, null],
      },
    },
    {
      method: "POST",
      path: `/payments/events/standard/${flaggedId}/give-back`,
      as: "staff",
      bodiless: true,
      answer: "200",
      body: { reason: "r" },
      wrong: { reason: [...NOT_A_LINE, ...NO_NOTE, null] },
    },
    {
      method: "POST",
      path: `/payments/events/standard/${unmatchedId}/match`,
      as: "staff",
      answer: "200",
      body: { order: orderId },
      wrong: { order: [...NO_ID, null, MISSING, "ORD-NONE"] },
    },
  ];
}

export function operationsRoutes({ productId }: World): BodyRoute[] {
  return [
    {
      method: "POST",
      path: "/orders/statistics/rebuild",
      as: "admin",
      bodiless: true,
      answer: "200",
      body: { after: "2026-11-20" },
      wrong: {
        after: [7, true, null, [], {}, "", "yesterday", "2026-02-30", "2026-11-20T00:00:00Z", long(65)],
      },
    },
    {
      method: "POST",
      path: "/inventory/reconcile",
      as: "staff",
      bodiless: true,
      answer: "200",
      body: { product_ids: [productId], repair: false },
      wrong: {
        product_ids: [...NO_LIST, null, [], Array(101).fill(productId)],
        "product_ids.0": [7, true, null, [], {}, "", long(65)],
        repair: NOT_A_FLAG,
        after: [7, true, null, [], {}, long(65), "prd_1"],
      },
    },
    {
      method: "PATCH",
      path: "/jobs/clean-up",
      as: "staff",
      answer: "200",
      body: { schedule: "0 4 * * 0", enabled: true },
      wrong: {
        schedule: [
          7,
          true,
          [],
          {},
          "",
          "daily",
          "@daily",
          "* * * *",
          "* * * * * *",
          "61 * * * *",
          "0 0 30 2 *",
        ],
        enabled: NOT_A_FLAG,
      },
    },
    {
      method: "POST",
      path: "/jobs/clean-up/run",
      as: "staff",
      bodiless: true,
      answer: "200",
      body: { at: "2026-11-20T04:00:00Z" },
      wrong: {
        at: [7, true, null, [], {}, "", "now", "2026-11-20", "2026-13-01T00:00:00Z", "2026-11-20T04:00:00"],
      },
    },
    {
      method: "POST",
      path: "/ops/selling",
      as: "admin",
      answer: "200",
      body: { state: "open" },
      wrong: {
        state: [7, true, null, [], {}, MISSING, "", "Open", "closed"],
        generation: [true, null, [], {}, "", "1", -1, 0.5],
      },
    },
    ...backupRoutes(productId),
  ];
}

/** While the shop sells, none of them does anything, whatever restore it is of. */
function backupRoutes(productId: string): BodyRoute[] {
  const backup = { method: "POST", as: "admin", answer: "409 restore_superseded" } as const;
  const generation = [true, null, [], {}, MISSING, "", "1", -1, 0, 0.5];
  const row = { table: "levels", row: { store_id: "sto_1", on_hand: 1, reserved: 0, version: 1 } };
  const noCell = [true, [], {}];
  return [
    {
      ...backup,
      path: "/ops/backup/tables/categories",
      body: { generation: 1, first: false, rows: [{ id: "cat_1" }] },
      wrong: {
        generation,
        first: [...NOT_A_FLAG, MISSING],
        rows: [...NO_LIST, null, MISSING, Array(5_001).fill({})],
        "rows.0": [null, 7, "x", []],
        "rows.0.id": noCell,
      },
    },
    {
      ...backup,
      path: "/ops/backup/stock",
      body: { generation: 1, objects: [{ product_id: productId, rows: [row] }] },
      wrong: {
        generation,
        objects: [...NO_LIST, null, MISSING, Array(101).fill({ product_id: "p", rows: [] })],
        "objects.0": [null, 7, "x", []],
        "objects.0.product_id": [7, null, [], MISSING, ""],
        "objects.0.rows": [...NO_LIST, null, MISSING, Array(10_001).fill(row)],
        "objects.0.rows.0.table": [7, null, [], MISSING, "", "sqlite_master"],
        "objects.0.rows.0.row.on_hand": noCell,
      },
    },
    {
      ...backup,
      path: `/ops/backup/stock/${productId}`,
      inside: ["rows.0"],
      body: { generation: 1, first: true, last: true, rows: [row] },
      wrong: {
        generation,
        first: [...NOT_A_FLAG, MISSING],
        last: [...NOT_A_FLAG, MISSING],
        rows: [...NO_LIST, null, MISSING, Array(10_001).fill(row)],
        "rows.0": [null, 7, "x", []],
        "rows.0.table": [7, null, [], MISSING, "", "sqlite_master"],
        "rows.0.row": [7, null, [], "x", MISSING],
        "rows.0.row.on_hand": noCell,
      },
    },
    {
      ...backup,
      path: "/ops/backup/empty-stock",
      body: { generation: 1, product_ids: [productId] },
      wrong: {
        generation,
        product_ids: [...NO_LIST, null, MISSING, Array(201).fill(productId)],
        "product_ids.0": [7, true, null, [], {}, "", long(65)],
      },
    },
    {
      ...backup,
      path: "/ops/backup/proof",
      body: { generation: 1, password: "secret" },
      wrong: { generation, password: [7, true, null, [], {}, MISSING, "", long(1_001)] },
    },
    { ...backup, path: "/ops/backup/finish", body: { generation: 1 }, wrong: { generation } },
  ];
}
