import { z } from "@hono/zod-openapi";
import { accountSchema, addressSchema, sessionListSchema } from "../accounts/schemas.ts";
import { historyListSchema, orderPaymentSchema, orderSchema } from "../orders/schemas.ts";
import { pageQuerySchema } from "../platform/pagination.ts";

export const deleteMeSchema = z
  .strictObject({ password: z.string().min(1).max(1_000).openapi({ format: "password" }) })
  .openapi("DeleteMe");

export const exportQuerySchema = pageQuerySchema.pick({ cursor: true });

export const exportSchema = z
  .object({
    user: accountSchema,
    addresses: z.array(addressSchema),
    sessions: sessionListSchema.shape.results,
    orders: z
      .array(
        orderSchema.extend({
          payments: z.array(orderPaymentSchema),
          history: historyListSchema.shape.results,
        }),
      )
      .openapi({ description: "The newest first" }),
    next_cursor: z
      .string()
      .nullable()
      .openapi({ description: "Where more orders are: `cursor` of the next call", example: null }),
  })
  .openapi("Export");
