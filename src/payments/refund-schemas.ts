import { z } from "@hono/zod-openapi";
import { moneySchema } from "../platform/money.ts";

const decimal = z.string().max(20).openapi({ example: "4.50" });

export const requestRefundSchema = z
  .object({
    amount: z
      .union([
        z.object({ amount: decimal, currency: z.string().max(3).optional() }),
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
    state: z.enum(["due", "sent", "settled", "failed"]),
  })
  .openapi("Refund");
