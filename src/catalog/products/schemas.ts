import { z } from "@hono/zod-openapi";
import { eachOnce } from "../../platform/each-once.ts";
import { moneySchema } from "../../platform/money.ts";
import { listSchema } from "../../platform/pagination.ts";
import { listQuerySchema } from "../../platform/read-page.ts";
import { checkTexts, line, lines } from "../../platform/text/line.ts";

const PRODUCT_ID = "prd_01jcz4kq8rj2m5v0a7w9x3y6pd";
const MAX_BULK_PRODUCTS = 500;
/** More than any shop has, and small enough that sums over all stores stay exact integers. */
const MAX_QUANTITY = 1_000_000_000;
const MAX_ATTRIBUTES_BYTES = 10_000;

export const productSchema = z
  .object({
    id: z.string().openapi({ example: PRODUCT_ID }),
    sku: z.string(),
    title: z.string(),
    description: z.string(),
    category: z.object({ id: z.string(), name: z.string() }),
    price: moneySchema,
    low_stock_threshold: z.int(),
    max_per_order: z.int().optional().openapi({ description: "Where one order may have only so many" }),
    active: z.boolean().openapi({ description: "False once archived: it can be read, never ordered" }),
    attributes: z.record(z.string(), z.unknown()),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    version: z.int(),
  })
  .openapi("Product");

export type Product = z.infer<typeof productSchema>;

export const productListSchema = listSchema(productSchema, "ProductList");

const levels = { on_hand: z.int(), reserved: z.int(), available: z.int() };

export const productPageSchema = productSchema
  .extend({
    stock: z
      .object({ ...levels, stores: z.array(z.object({ store_id: z.string(), ...levels })) })
      .nullable()
      .openapi({ description: "Exact; null when the stock cannot be reached just now" }),
  })
  .openapi("ProductPage");

/** In one form of Unicode, or two products could have what looks like one sku. */
const sku = line(100, z.string().trim().normalize("NFC"));

/** The fields that staff write. The price is checked once its currency is known: see revise.ts. */
const fields = {
  sku: sku.openapi({ description: "Unique", example: "MUG-BLUE" }),
  title: line(300).openapi({ example: "Blue mug" }),
  description: lines(10_000, z.string().trim()),
  category_id: z.string().min(1).max(64),
  price: z
    .strictObject({
      amount: z.union([z.string().max(40), z.number()]).openapi({ type: "string", example: "19.99" }),
      currency: z
        .string()
        .optional()
        .openapi({ description: "ISO 4217; the product's own, or the shop's", example: "USD" }),
    })
    .openapi({ description: "From 0, with no more decimals than the currency has" }),
  low_stock_threshold: z.int().min(0).max(MAX_QUANTITY).openapi({ description: "10 unless given" }),
  max_per_order: z.int().min(1).max(MAX_QUANTITY).nullable().openapi({
    description: "How many units one order of a guest or customer may have; null for any number",
  }),
  active: z.boolean().openapi({ description: "True unless given" }),
  attributes: z
    .record(z.string(), z.unknown())
    .superRefine(checkTexts)
    // Numbers that JSON cannot store (-0, 1e999) are normalised, or sending the same again would look like a change.
    .transform((attributes): Record<string, unknown> => JSON.parse(JSON.stringify(attributes)))
    .refine(
      (attributes) => new TextEncoder().encode(JSON.stringify(attributes)).length <= MAX_ATTRIBUTES_BYTES,
      `must not be larger than ${MAX_ATTRIBUTES_BYTES} bytes of JSON`,
    )
    .openapi({ type: "object", additionalProperties: true, example: { colour: "blue" } }),
};

export const productChangeSchema = z.strictObject(fields).partial().openapi("ProductChange");

export type ProductFields = z.infer<typeof productChangeSchema>;

export const newProductSchema = z
  .strictObject(fields)
  .partial()
  .required({ sku: true, title: true, category_id: true, price: true })
  .openapi("NewProduct");

const openingStockSchema = z
  .array(z.strictObject({ store_id: z.string().max(64), quantity: z.int().min(0).max(MAX_QUANTITY) }))
  .max(1_000)
  .superRefine(eachOnce("store_id"));

/** One item of a bulk. Items are parsed one by one, so that each fails alone; the routes register this for OpenAPI. */
export const bulkItemSchema = productChangeSchema
  .required({ sku: true })
  .extend({ stock: openingStockSchema.optional() })
  .openapi("BulkProduct");

export const bulkSchema = z
  .strictObject({
    products: z
      .array(z.unknown().openapi({ allOf: [{ $ref: "#/components/schemas/BulkProduct" }] }))
      .min(1)
      .max(MAX_BULK_PRODUCTS),
  })
  .openapi("ProductBulk");

const bulkErrorSchema = z.looseObject({
  field: z.string().optional(),
  code: z.string(),
  message: z.string(),
});

export const bulkReportSchema = z
  .object({
    created: z.int(),
    updated: z.int().openapi({ description: "Those that were there, changed or not" }),
    failed: z.int(),
    results: z.array(
      z.discriminatedUnion("status", [
        z.object({
          index: z.int(),
          status: z.enum(["created", "updated"]),
          id: z.string(),
          active: z
            .literal(false)
            .optional()
            .openapi({ description: "False where it is archived, so not on sale" }),
        }),
        z.object({ index: z.int(), status: z.literal("failed"), errors: z.array(bulkErrorSchema) }),
      ]),
    ),
  })
  .openapi("ProductBulkReport");

export type BulkReport = z.infer<typeof bulkReportSchema>;

export const productQuerySchema = listQuerySchema.extend({
  category: z.string().max(200).optional().openapi({ description: "A category's id, or its name" }),
  sku: sku.optional().openapi({ description: "The one that has it, letter by letter" }),
  active: z
    .enum(["true", "false", "all"])
    .default("true")
    .openapi({ description: "What is archived (`false`, `all`) is shown to staff alone" }),
  sort: z.enum(["newest", "price_asc", "price_desc"]).default("newest").openapi({
    description: "Prices are compared by their amount in minor units, whatever the currency",
  }),
});

export type ProductQuery = z.infer<typeof productQuerySchema>;

export const productHistorySchema = listSchema(
  z
    .object({
      version: z.int(),
      at: z.iso.datetime(),
      actor: z.string(),
      action: z.enum(["created", "updated", "archived"]),
      snapshot: productSchema,
    })
    .openapi("ProductChangeRecord"),
  "ProductHistory",
);

export type ProductHistoryEntry = z.infer<typeof productHistorySchema>["results"][number];
