import { z } from "@hono/zod-openapi";
import { moneySchema } from "../platform/money.ts";

const decimal = z.string().max(20).openapi({ example: "4.50" });

/** Strict: a field that is not read would be a refund of more than was meant. */
export const requestRefundSchema = z
  .strictObject({
    amount: z
      .union([
        z.strictObject({ amount: decimal, currency: z.string().max(3).optional() }),
        decimal.transform((amount) => ({ amount, currency: undefined })),
      ])
      .optional()
      .openapi({ description: "All that is left, where it is not given" }),
    reason: z.string().trim().min(1).max(500).optional(),
  })
  .openapi("RequestRefund");

export const refundSchema = z
  .object({
    id: z.string().openapi({ example: "rfd_01jd…" }),
    payment_id: z.string(),
    amount: moneySchema,
    status: z.enum(["due", "sent", "settled", "failed"]),
  })
  .openapi("Refund");
