import { z } from "@hono/zod-openapi";
import { MAX_ITEMS, MAX_QUANTITY, placeOrderSchema } from "../orders/schemas.ts";
import { eachOnce } from "../platform/each-once.ts";
import { moneySchema } from "../platform/money.ts";
import { listSchema } from "../platform/pagination.ts";

const timestamp = z.iso.datetime();

const spentBySchema = z
  .object({ id: z.string().openapi({ example: "ord_01jcz4kq8rj2m5v0a7w9x3y6pd" }), reference: z.string() })
  .nullable()
  .openapi({ description: "The living order that has spent the cart: it can be changed or ordered no more" });

const cartItemSchema = z.object({
  product_id: z.string(),
  sku: z.string(),
  title: z.string(),
  quantity: z.int(),
  unit_price: moneySchema.openapi({ description: "What it costs now" }),
  price_changed_from: moneySchema
    .optional()
    .openapi({ description: "What it cost when the item was last put, where that is another price" }),
  subtotal: moneySchema.nullable().openapi({ description: "Null where it is too large to be counted" }),
  available: z.int().openapi({ description: "Free units over all stores, as of a few seconds ago" }),
  max_per_order: z.int().optional().openapi({ description: "Where one order may have only so many" }),
  unavailable: z.literal(true).optional().openapi({
    description: "The product is sold no more: it counts for nothing here, and hinders a checkout",
  }),
});

export const cartSchema = z
  .object({
    id: z.string().openapi({ example: "crt_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    token: z.string().optional().openapi({ description: "For guests, once: send it as X-Cart-Token" }),
    items: z.array(cartItemSchema),
    totals: z
      .object({
        subtotal: moneySchema,
        shipping: moneySchema,
        tax: moneySchema,
        duty: moneySchema,
        total: moneySchema,
      })
      .nullable()
      .openapi({ description: "At the prices of now; null where items have several currencies" }),
    total_items: z.int(),
    order: spentBySchema,
    version: z.int(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .openapi("Cart");

export type CartWire = z.infer<typeof cartSchema>;

const cartSummarySchema = z
  .object({
    id: z.string(),
    total_items: z.int(),
    order: spentBySchema,
    version: z.int(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .openapi("CartSummary");

export type CartSummaryWire = z.infer<typeof cartSummarySchema>;

export const cartListSchema = listSchema(cartSummarySchema, "CartList");

const quantity = z
  .int()
  .min(0)
  .max(MAX_QUANTITY)
  .openapi({ example: 2, description: "Of the product in all; 0 removes it" });

export const putItemSchema = z.strictObject({ quantity }).openapi("PutCartItem");

/** The list alone is taken as well. */
export const putItemsSchema = z.preprocess(
  (body) => (Array.isArray(body) ? { items: body } : body),
  z
    .strictObject({
      items: z
        .array(
          z.strictObject({
            product_id: z.string().min(1).max(64),
            quantity,
          }),
        )
        .min(1)
        .max(MAX_ITEMS)
        .superRefine(eachOnce("product_id")),
    })
    .openapi("PutCartItems"),
);

export const checkoutSchema = placeOrderSchema.omit({ items: true }).openapi("Checkout");
