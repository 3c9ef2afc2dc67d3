import { z } from "@hono/zod-openapi";
import { orderPaymentSchema } from "../orders/schemas.ts";
import { moneySchema } from "../platform/money.ts";
import { listSchema } from "../platform/pagination.ts";

export const openedPaymentSchema = z
  .object({
    id: z.string().openapi({ example: "pay_01jd…" }),
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
