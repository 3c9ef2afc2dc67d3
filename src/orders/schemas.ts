import { z } from "@hono/zod-openapi";
import { anyOf } from "../platform/http/any-of.ts";
import { momentSchema } from "../platform/http/range.ts";
import { moneySchema } from "../platform/money.ts";
import { listSchema } from "../platform/pagination.ts";
import { listQuerySchema } from "../platform/read-page.ts";
import { accountEmailSchema, emailSchema, lookedUpEmailSchema } from "../platform/text/email.ts";
import { checkTexts, line, lines } from "../platform/text/line.ts";
import { postalAddressSchema } from "../platform/text/postal-address.ts";
import { HISTORY_KINDS, ORDER_STATUSES, PAYMENT_METHODS, PAYMENT_STATUSES, PRIORITIES } from "./lifecycle.ts";

export const MAX_ITEMS = 100;
export const MAX_QUANTITY = 1_000_000;
const MAX_METADATA_BYTES = 8_192;

export const quantitySchema = z.int().min(1).max(MAX_QUANTITY).openapi({ example: 2 });

/** What Holdfast's users sent before: the old name of the field is taken for the new one, unless both are there. */
function renameQuantity(item: unknown): unknown {
  if (typeof item !== "object" || item === null || !("quantity_requested" in item)) return item;
  const { quantity_requested: quantity, ...others } = item;
  return { quantity, ...others };
}

const itemInputSchema = z.preprocess(
  renameQuantity,
  z.strictObject({
    product_id: z.string().min(1).max(64).openapi({ example: "prd_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    quantity: quantitySchema,
  }),
);

const customerSchema = z.strictObject({
  name: line(200),
  email: emailSchema.openapi({ type: "string", format: "email", example: "ada@example.com" }),
  phone: line(40).optional(),
});

/** What the buyer believes the total to be: `{amount, currency}`, or the amount alone. */
const expectedTotalSchema = z.union([
  z.strictObject({ amount: z.string().max(20), currency: z.string().max(3).optional() }),
  z
    .string()
    .max(20)
    .transform((amount) => ({ amount, currency: undefined })),
]);

export const placeOrderSchema = z
  .strictObject({
    items: z.array(itemInputSchema).min(1).max(MAX_ITEMS),
    store_id: z.string().min(1).max(64).nullish(),
    customer: customerSchema.nullish(),
    shipping_address: postalAddressSchema.nullish(),
    priority: z.enum(PRIORITIES).default("normal"),
    payment_method: z.enum(PAYMENT_METHODS).default("card"),
    expected_total: expectedTotalSchema.nullish(),
    notes: lines(2_000).nullish(),
    metadata: z
      .record(z.string().max(100), z.unknown())
      .superRefine(checkTexts)
      .refine((value) => JSON.stringify(value).length <= MAX_METADATA_BYTES, "is larger than 8 KB")
      .nullish(),
  })
  .openapi("PlaceOrder");

export type PlaceOrderInput = z.infer<typeof placeOrderSchema>;

const orderItemSchema = z.object({
  product_id: z.string(),
  sku: z.string(),
  title: z.string(),
  quantity: z.int(),
  unit_price: moneySchema,
  subtotal: moneySchema,
  allocations: z.array(
    z.object({
      store_id: z.string(),
      quantity: z.int(),
      shipped: z
        .int()
        .optional()
        .openapi({ description: "How many of them have left; not there until one has" }),
    }),
  ),
  refunded: z
    .int()
    .optional()
    .openapi({ description: "Units for which a refund was promised by name; not there where it is none" }),
  closed: z
    .int()
    .optional()
    .openapi({ description: "Units that will never leave, since what was left of the order was closed" }),
  available: z
    .int()
    .optional()
    .openapi({ description: "Of a rejected order's item that fell short: what was free" }),
});

export const orderStatusSchema = z.enum(ORDER_STATUSES);

export const paymentStatusSchema = z.enum(PAYMENT_STATUSES);

export const orderSchema = z
  .object({
    id: z.string().openapi({ example: "ord_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    reference: z.string().openapi({ example: "ORD-7K3F9QXM2A" }),
    status: orderStatusSchema,
    payment_status: paymentStatusSchema,
    payment_method: z.enum(PAYMENT_METHODS),
    priority: z.enum(PRIORITIES),
    customer: z.object(customerSchema.shape),
    shipping_address: z.object(postalAddressSchema.shape).nullable(),
    items: z.array(orderItemSchema),
    totals: z.object({
      subtotal: moneySchema,
      shipping: moneySchema,
      tax: moneySchema,
      duty: moneySchema,
      total: moneySchema,
      refunded: moneySchema.openapi({ description: "Refunds due, sent and settled together" }),
      kept: moneySchema.openapi({
        description:
          "What was captured less what was refunded; before anything was captured, what is to be paid: the total less " +
          "what was closed, and nothing of an order that is dead",
      }),
    }),
    total_items: z.int(),
    notes: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()).nullable(),
    expires_at: z.string().nullable(),
    version: z.int(),
    created_at: z.string(),
    updated_at: z.string(),
    access_token: z
      .string()
      .optional()
      .openapi({ description: "For guests, once: send it as X-Order-Token" }),
  })
  .openapi("Order");

export type OrderWire = z.infer<typeof orderSchema>;

/** What a refund is for. */
export const refundedItemSchema = z.object({
  product_id: z.string(),
  quantity: z.int(),
  amount: moneySchema.openapi({ description: "How much of the refund is for these units" }),
});

export const refundSchema = z
  .object({
    id: z.string().openapi({ example: "rfd_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    payment_id: z.string(),
    amount: moneySchema,
    status: z.enum(["due", "sent", "settled", "failed"]),
    items: z
      .array(refundedItemSchema)
      .optional()
      .openapi({ description: "The units that it is for; not there where it is of an amount alone" }),
  })
  .openapi("Refund");

export type RefundWire = z.infer<typeof refundSchema>;

/** What is due because of a step, beside whatever else the step is answered with. */
export const owedRefunds = {
  refund: refundSchema
    .nullable()
    .openapi({ description: "What is due because of this; null where nothing is" }),
  further_refunds: z
    .array(refundSchema)
    .optional()
    .openapi({ description: "Where one payment had not enough left: of the others" }),
};

export const changedOrderSchema = orderSchema.extend(owedRefunds).openapi("OrderWithRefund");

export const shipmentSchema = z
  .object({
    id: z.string().openapi({ example: "shp_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    items: z.array(z.object({ product_id: z.string(), store_id: z.string(), quantity: z.int() })),
    tracking: z.string().nullable(),
    carrier: z.string().nullable(),
    created_at: z.string(),
  })
  .openapi("Shipment");

export type ShipmentWire = z.infer<typeof shipmentSchema>;

export const returnSchema = z
  .object({
    id: z.string().openapi({ example: "ret_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    store_id: z.string(),
    items: z.array(z.object({ product_id: z.string(), quantity: z.int(), restock: z.boolean() })),
    reason: z.string().nullable().openapi({ description: "For staff; null for the buyer" }),
    created_at: z.string(),
  })
  .openapi("Return");

export type ReturnWire = z.infer<typeof returnSchema>;

export const orderPaymentSchema = z
  .object({
    id: z.string().openapi({ example: "pay_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    provider: z.string().openapi({ example: "standard" }),
    status: z.enum(["open", "succeeded", "failed", "given_back"]),
    amount: moneySchema,
    captured: moneySchema,
    refunded: moneySchema.openapi({ description: "Refunds due, sent and settled together" }),
    currency: z.string(),
    refunds: z.array(
      z.object({
        id: z.string().openapi({ example: "rfd_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
        status: z.enum(["due", "sent", "settled", "failed"]).openapi({
          description: "failed: refused, or come back to the provider; its sum may be refunded again",
        }),
        amount: moneySchema,
        reason: z.string().nullable().openapi({ description: "For staff; null for the buyer" }),
        items: z.array(refundedItemSchema).optional(),
        created_at: z.string(),
      }),
    ),
    created_at: z.string(),
  })
  .openapi("OrderPayment");

export type OrderPaymentWire = z.infer<typeof orderPaymentSchema>;

export const flaggedEventSchema = z
  .object({
    provider: z.string().openapi({ example: "standard" }),
    event_id: z.string().openapi({ description: "The provider's own id of it" }),
    kind: z.enum(["succeeded", "failed", "canceled", "refunded", "refund_failed"]),
    amount: moneySchema
      .nullable()
      .openapi({ description: "Null in a currency that was not named, or that does not exist" }),
    minor_units: z.int().openapi({ description: "The amount as it was told" }),
    currency: z
      .string()
      .nullable()
      .openapi({ description: "As it was told; null where none was: the order's" }),
    outcome: z.string().nullable().openapi({ example: "wrong_amount" }),
    received_at: z.string(),
  })
  .openapi("FlaggedPaymentEvent");

export type FlaggedEventWire = z.infer<typeof flaggedEventSchema>;

export const orderPageSchema = orderSchema
  .extend({
    payments: z.array(orderPaymentSchema),
    flagged_events: z
      .array(flaggedEventSchema)
      .optional()
      .openapi({ description: "For staff: what a provider told that waits for a person" }),
    shipments: z.array(shipmentSchema),
    returns: z.array(returnSchema),
  })
  .openapi("OrderPage");

export const orderListSchema = listSchema(orderSchema, "OrderList");

export const historySchema = z
  .object({
    version: z.int(),
    from: orderStatusSchema.nullable(),
    to: orderStatusSchema,
    at: z.string(),
    actor: z.string(),
    reason: z.string().nullable(),
    kind: z.enum(HISTORY_KINDS).openapi({ description: "What made this version" }),
    snapshot: z.record(z.string(), z.unknown()).openapi({
      description:
        "The order as this left it; of `details` also what was changed of `shipping_address`, `customer` and `notes`, and " +
        "`previous` with what stood there",
    }),
  })
  .openapi("OrderHistory");

export const historyListSchema = listSchema(historySchema, "OrderHistoryList");

export const storeOrderSchema = z
  .object({
    id: z.string(),
    reference: z.string(),
    status: orderStatusSchema,
    created_at: z.iso.datetime(),
    total_items: z.int().openapi({ description: "Units of the whole order, other stores' too" }),
    total: moneySchema,
  })
  .openapi("StoreOrder");

export type StoreOrder = z.infer<typeof storeOrderSchema>;

export const storeOrderListSchema = listSchema(storeOrderSchema, "StoreOrderList");

export const orderListQuerySchema = listQuerySchema.extend({
  status: anyOf(ORDER_STATUSES).optional(),
  payment_status: anyOf(PAYMENT_STATUSES).optional(),
  priority: anyOf(PRIORITIES).optional(),
  store_id: z.string().max(64).optional(),
  batch_id: z.string().max(64).optional().openapi({ description: "What a bulk answered" }),
  customer_email: lookedUpEmailSchema.optional().openapi({ type: "string" }),
  q: z
    .string()
    .max(254)
    .transform((text) => (text.trim() === "" ? undefined : text))
    .optional()
    .openapi({
      type: "string",
      description:
        "How a reference (blanks, `#`, case and `ORD-` do not matter), an id, an e-mail address or words of the customer's " +
        "name begin, or how their phone number ends",
    }),
  delayed: z.enum(["true", "false"]).optional(),
  to_ship: z.enum(["true", "false"]).optional().openapi({
    description:
      "`true`: what is left to ship and was not refunded in full; with `store_id`, what is left there",
  }),
  from: momentSchema.optional().openapi({ description: "A stamp, or a date in the shop's time zone" }),
  to: momentSchema.optional().openapi({ description: "Included; of a date the whole day" }),
});

export type OrderListQuery = z.infer<typeof orderListQuerySchema>;

export const changeDetailsSchema = z
  .strictObject({
    shipping_address: postalAddressSchema.optional(),
    customer: z
      .strictObject({ name: line(200).optional(), phone: line(40).nullish() })
      .optional()
      .openapi({ description: "What is left out stays; a `phone` of null is taken away" }),
    notes: lines(2_000).nullish(),
  })
  .openapi("ChangeOrderDetails");

export const lookUpOrderSchema = z
  .strictObject({
    reference: line(40).openapi({
      description: "Blanks, `#`, case and `ORD-` do not matter",
      example: "ORD-7K3F9QXM2A",
    }),
    email: accountEmailSchema,
  })
  .openapi("LookUpOrder");

export const cancelSchema = z.strictObject({ reason: line(500).optional() }).openapi("CancelOrder");
