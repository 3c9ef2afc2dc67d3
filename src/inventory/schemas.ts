import { z } from "@hono/zod-openapi";
import { productSchema } from "../catalog/products/schemas.ts";
import { moneySchema } from "../platform/money.ts";
import { listSchema } from "../platform/pagination.ts";
import { listQuerySchema } from "../platform/read-page.ts";
import { line } from "../platform/text/line.ts";
import { MAX_ON_HAND } from "./object/operations.ts";
import { ADJUST_TYPES, MOVEMENT_TYPES } from "./stock-types.ts";

const stamp = z.string().openapi({ format: "date-time" });
const units = z.int().min(0);
const storeId = z.string().openapi({ example: "sto_01jcz4kq8rj2m5v0a7w9x3y6pd" });
const flag = z
  .enum(["true", "false"])
  .default("false")
  .transform((value) => value === "true");

/** Any text will do: one that is no id of ours names no product, and is answered 404 like any other. */
export const productParam = z.object({
  product_id: z
    .string()
    .openapi({ param: { name: "product_id", in: "path" }, example: "prd_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
});

export const inventoryQuerySchema = listQuerySchema.extend({
  low_stock: flag.openapi({
    description: "On sale, available at or below the product's threshold, and above 0",
  }),
  out_of_stock: flag.openapi({ description: "On sale, and nothing available; with `low_stock`, either" }),
  store_id: storeId.optional(),
});
export type InventoryQuery = z.infer<typeof inventoryQuerySchema>;

const asOf = stamp.nullable().openapi({
  description:
    "When the newest change that the lists have was told by its product, not when they were asked: where news comes late, " +
    "this stands still. Of all products of the shop, so one that is quiet looks no older than the others. What happened " +
    "in the second or two before it may still be on its way; `updated_at` says of each row when it was told. Null before " +
    "the first news",
});

const inventoryRowSchema = z
  .object({
    product_id: z.string(),
    sku: z.string(),
    product_title: z.string(),
    store_id: z.string(),
    store_name: z.string(),
    on_hand: units,
    reserved: units,
    available: units,
    low_stock_threshold: units,
    updated_at: stamp,
  })
  .openapi("InventoryRow");
export type InventoryRow = z.infer<typeof inventoryRowSchema>;

export const inventoryListSchema = listSchema(inventoryRowSchema, "InventoryRows")
  .extend({
    as_of: asOf,
  })
  .openapi("InventoryList");

export const inventorySummarySchema = z
  .object({
    as_of: asOf,
    total_items: z
      .int()
      .openapi({ description: "Products on sale, stocked or not; the next three add up to it" }),
    healthy: z.int(),
    low_stock: z.int().openapi({ description: "Over all stores at or below the threshold, and above 0" }),
    out_of_stock: z.int().openapi({ description: "Nothing available in any store" }),
    units: z.int().openapi({ description: "On hand of what is on sale, in all stores" }),
  })
  .openapi("InventorySummary", {
    example: {
      as_of: "2026-11-21T08:00:00.000Z",
      ...{ total_items: 1200, healthy: 1100, low_stock: 60, out_of_stock: 40, units: 350_000 },
    },
  });
export type InventorySummary = z.infer<typeof inventorySummarySchema>;

const storeInventoryRowSchema = z
  .object({
    product_id: z.string(),
    product_title: z.string(),
    price: moneySchema,
    category_name: z.string(),
    quantity: units.openapi({ description: "On hand, reserved units too" }),
    available: units,
    updated_at: stamp,
  })
  .openapi("StoreInventoryRow");
export type StoreInventoryRow = z.infer<typeof storeInventoryRowSchema>;
export const storeInventorySchema = listSchema(storeInventoryRowSchema, "StoreInventory");

const levelShape = { on_hand: units, reserved: units, available: units };

const scarceProductSchema = productSchema
  .extend({ stock: z.object(levelShape).openapi({ description: "Over all stores, from the projection" }) })
  .openapi("ScarceProduct");
export type ScarceProduct = z.infer<typeof scarceProductSchema>;
export const scarceProductListSchema = listSchema(scarceProductSchema, "ScarceProducts");

const storeLevels = z.array(z.object({ store_id: z.string(), ...levelShape }));

export const pastLevelsQuerySchema = z.strictObject({
  at: z.iso
    .datetime({ offset: true })
    .transform((text) => Date.parse(text))
    .optional()
    .openapi({
      type: "string",
      format: "date-time",
      description: "Now when it is left out or has not come yet",
      example: "2026-11-20T12:00:00Z",
    }),
});

export const pastLevelsSchema = z
  .object({
    product_id: z.string(),
    at: stamp.openapi({ description: "The moment that the levels are of, its own movements included" }),
    ...levelShape,
    stores: storeLevels.openapi({ description: "Those that had had any of the product by then" }),
  })
  .openapi("PastLevels");

export const inventorySchema = z
  .object({
    product_id: z.string(),
    ...levelShape,
    stores: storeLevels,
    holds: z
      .array(
        z.object({
          claim: z.string(),
          order_id: z.string(),
          confirmed: z.boolean().openapi({ description: "A living order is known to stand behind it" }),
          allocations: z.array(z.object({ store_id: z.string(), quantity: units })),
          ask_at: stamp.openapi({
            description:
              "When it is due to ask whether it may still hold; it asks within ten seconds of that, with others",
          }),
        }),
      )
      .openapi({ description: "Open holds, those that ask first before the others; 1,000 at most" }),
  })
  .openapi("Inventory");

const countSchema = z.object({ on_hand: units, reserved: units });

export const movementSchema = z
  .object({
    seq: z.int(),
    at: stamp,
    type: z.enum(MOVEMENT_TYPES),
    store_id: z.string(),
    quantity: z.int().openapi({ description: "Units; negative where on_hand falls" }),
    before: countSchema,
    after: countSchema,
    actor: z.string(),
    reason: z.string().nullable(),
    reference: z.string().nullable(),
    order_id: z.string().nullable(),
  })
  .openapi("StockMovement");

/** By cursor only: the ledger grows all the time, so numbered pages would shift. */
export const movementQuerySchema = listQuerySchema.omit({ page: true });
export const movementListSchema = listSchema(movementSchema, "StockMovements");

const reason = line(500);

export const adjustmentSchema = z
  .strictObject({
    store_id: storeId,
    type: z.enum(ADJUST_TYPES),
    quantity: z
      .int()
      .min(0)
      .max(MAX_ON_HAND)
      .openapi({ description: "Units, from 1; for `set` the new on_hand, from 0" }),
    reason,
    reference: line(200).nullish(),
  })
  .refine(({ type, quantity }) => type === "set" || quantity > 0, {
    path: ["quantity"],
    message: "must be at least 1",
  })
  .openapi("StockAdjustment");

export const adjustedSchema = z
  .object({ movement: movementSchema, before: countSchema, after: countSchema })
  .openapi("StockAdjusted");

export const transferSchema = z
  .strictObject({
    from_store_id: storeId,
    to_store_id: storeId.openapi({ example: "sto_01jcz4kq8rj2m5v0a7w9x3y6pe" }),
    quantity: z.int().min(1).max(MAX_ON_HAND),
    reason,
  })
  .refine(({ from_store_id, to_store_id }) => from_store_id !== to_store_id, {
    path: ["to_store_id"],
    message: "must be another store than from_store_id",
  })
  .openapi("StockTransfer");

export const transferredSchema = z.object({ movements: z.array(movementSchema) }).openapi("StockTransferred");
