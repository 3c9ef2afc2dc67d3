import { z } from "@hono/zod-openapi";
import { flaggedEventSchema, MAX_ITEMS, orderPaymentSchema, quantitySchema } from "../orders/schemas.ts";
import { moneySchema } from "../platform/money.ts";
import { listSchema } from "../platform/pagination.ts";
import { listQuerySchema } from "../platform/read-page.ts";
import { line } from "../platform/text/line.ts";

export const openedPaymentSchema = z
  .object({
    id: z.string().openapi({ example: "pay_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    provider: z.enum(["stripe", "standard"]),
    status: z.enum(["open", "succeeded", "failed", "given_back"]),
    amount: moneySchema,
    client_secret: z.string().optional().openapi({ description: "Stripe's, for the buyer's browser" }),
    instructions: z.string().optional().openapi({ description: "How to pay where there is no secret" }),
    created_at: z.string(),
  })
  .openapi("OpenedPayment");

export type OpenedPaymentWire = z.infer<typeof openedPaymentSchema>;

export const paymentListSchema = listSchema(orderPaymentSchema, "OrderPaymentList");

export const receivedSchema = z
  .object({
    received: z.literal(true),
    duplicate: z.literal(true).optional().openapi({ description: "This event was told before" }),
    matched: z.literal(false).optional().openapi({ description: "No order has this reference yet" }),
  })
  .openapi("WebhookReceived");

const decimal = z.string().max(20).openapi({ example: "4.50" });

/** Strict, because a misspelt `amount` that is ignored would refund all that is left. */
export const requestRefundSchema = z
  .strictObject({
    amount: z
      .union([
        z.strictObject({ amount: decimal, currency: z.string().max(3).optional() }),
        decimal.transform((amount) => ({ amount, currency: undefined })),
      ])
      .optional()
      .openapi({ description: "All that is left, where neither it nor items are given" }),
    items: z
      .array(
        z.strictObject({
          product_id: z.string().min(1).max(64).openapi({ example: "prd_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
          quantity: quantitySchema,
          restock: z
            .literal(false, "is done by a return: POST /orders/{id}/returns puts on hand and refunds")
            .optional()
            .openapi({ description: "A return restocks; what has not left is released by close or cancel" }),
        }),
      )
      .min(1)
      .max(MAX_ITEMS)
      .optional()
      .openapi({ description: "The units that it is for, at their price at order time" }),
    reason: line(500).optional(),
  })
  .refine(({ amount, items }) => amount === undefined || items === undefined, {
    path: ["items"],
    message: "cannot stand beside amount: a refund is of units or of an amount",
  })
  .openapi("RequestRefund", {
    example: { amount: { amount: "4.50", currency: "USD" }, reason: "A scratch" },
  });

export const EVENT_STATES = ["owed", "done", "flagged", "unmatched"] as const;

export const paymentEventSchema = flaggedEventSchema
  .extend({
    state: z.enum(EVENT_STATES).openapi({
      description:
        "`flagged` and `unmatched` wait for a person; `owed` is about to be worked off, or has the outcome `waiting` until a message comes that explains it",
    }),
    reference: z.string().openapi({ description: "As the provider named it" }),
    order: z
      .object({ id: z.string(), reference: z.string() })
      .nullable()
      .openapi({ description: "Null while no order is known to be meant" }),
  })
  .openapi("PaymentEvent");

export type PaymentEventWire = z.infer<typeof paymentEventSchema>;

export const paymentEventListSchema = listSchema(paymentEventSchema, "PaymentEventList");

export const eventListQuerySchema = listQuerySchema.extend({ state: z.enum(EVENT_STATES).optional() });

export const eventNameSchema = z.object({
  provider: z.string().openapi({ param: { name: "provider", in: "path" }, example: "standard" }),
  event_id: z.string().openapi({
    param: { name: "event_id", in: "path" },
    example: "evt_1",
    description: "The provider's own id of it",
  }),
});

export const matchEventSchema = z
  .strictObject({
    order: z.string().trim().min(1).max(64).openapi({ example: "ORD-7K3F9QXM2A" }),
  })
  .openapi("MatchPaymentEvent");

export const giveBackSchema = z.strictObject({ reason: line(500).optional() }).openapi("GivePaymentBack");

/**
 * No route validates a webhook's body by its schema, since the signature over the body's bytes is checked first.
 * https://docs.stripe.com/api/events/object has many more fields, which are passed on as they are.
 */
export const stripeEventSchema = z
  .looseObject({
    id: z.string().min(1).max(255).openapi({ example: "evt_1NG8Du2eZvKYlo2C" }),
    type: z.string().openapi({
      description:
        "`payment_intent.succeeded`, `payment_intent.payment_failed`, `payment_intent.canceled`, `refund.created`, " +
        "`refund.updated` and `refund.failed` are worked off; every other type is received, and nothing comes of it",
      example: "payment_intent.succeeded",
    }),
    data: z.looseObject({
      object: z.looseObject({}).openapi({
        description: "The PaymentIntent or refund as Stripe has it, with the metadata that we gave it",
      }),
    }),
  })
  .openapi("StripeEvent");

export const standardEventSchema = z
  .object({
    event_id: z
      .string()
      .min(1)
      .max(255)
      .openapi({ description: "The provider's own: the same again is the same event", example: "evt_1" }),
    reference: z
      .string()
      .trim()
      .min(1)
      .max(64)
      .openapi({ description: "The order's reference, in any case, or its id", example: "ORD-7K3F9QXM2A" }),
    status: z.enum(["success", "failed", "refunded", "refund_failed"]).openapi({
      description:
        "`refunded` settles a refund. `refund_failed`: it came to nothing, or came back after it was `refunded`",
    }),
    amount: z.int().min(0).openapi({ description: "Minor units", example: 1999 }),
    currency: z
      .string()
      .regex(/^[A-Za-z]{3}$/, "must be an ISO 4217 code")
      .toUpperCase()
      .nullish()
      .openapi({ description: "The order's, where it is not given", example: "USD" }),
    refund_id: z
      .string()
      .min(1)
      .max(64)
      .nullish()
      .openapi({
        description:
          "Which refund it is about, as `refund.requested` named it; needed with `refund_failed`. Without it " +
          "`refunded` settles the oldest one of its amount that was sent",
        example: "rfd_01jcz4kq8rj2m5v0a7w9x3y6pd",
      }),
  })
  .refine(({ status, refund_id }) => status !== "refund_failed" || typeof refund_id === "string", {
    path: ["refund_id"],
    message: "is needed where a refund failed",
  })
  .openapi("StandardPaymentEvent");

export const stripeHeadersSchema = z.object({
  "Stripe-Signature": z.string().openapi({
    description:
      "Over the stamp and the body's bytes, by one of STRIPE_WEBHOOK_SECRET, at most 5 minutes old",
    example: "t=1763683200,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd",
  }),
});

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#webhook-headers */
export const standardHeadersSchema = z.object({
  "webhook-id": z.string().openapi({ description: "The message's", example: "msg_1" }),
  "webhook-timestamp": z
    .string()
    .regex(/^\d{1,12}$/)
    .openapi({ description: "Seconds since 1970, at most 5 minutes from now", example: "1763683200" }),
  "webhook-signature": z.string().openapi({
    description:
      "Over the id, the stamp and the body's bytes, by one of PAYMENT_WEBHOOK_SECRET; several, with a space between",
    example: "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
  }),
});
