import { z } from "@hono/zod-openapi";
import { listSchema } from "../../platform/pagination.ts";
import { orderSchema } from "../schemas.ts";

export const delayedOrderSchema = orderSchema
  .extend({
    status_at: z.string().openapi({ description: "When it entered its present status" }),
    delayed_at: z.string().nullable().openapi({ description: "When it was found delayed; null until it is" }),
    delayed_retries: z.int().openapi({
      description: "Rounds that were made to get it on; the one after DELAYED_RETRIES calls a person",
    }),
  })
  .openapi("DelayedOrder");
export type DelayedOrderWire = z.infer<typeof delayedOrderSchema>;

export const delayedListSchema = listSchema(delayedOrderSchema, "DelayedOrderList");
