import { z } from "@hono/zod-openapi";
import { flaggedEventSchema } from "../orders/schemas.ts";
import { listSchema } from "../platform/pagination.ts";
import { listQuerySchema } from "../platform/read-page.ts";

export const EVENT_STATES = ["owed", "done", "flagged", "unmatched"] as const;

export const paymentEventSchema = flaggedEventSchema
  .extend({
    state: z.enum(EVENT_STATES).openapi({
      description: "`flagged` and `unmatched` wait for a person; `owed` is about to be worked off",
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

export const giveBackSchema = z
  .strictObject({ reason: z.string().trim().min(1).max(500).optional() })
  .openapi("GivePaymentBack");
