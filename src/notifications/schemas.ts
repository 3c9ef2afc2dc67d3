import { z } from "@hono/zod-openapi";
import { decodeCursor, listSchema, pageQuerySchema } from "../platform/pagination.ts";

export const emailSchema = z
  .object({
    id: z.string(),
    to: z.string(),
    subject: z.string(),
    text: z.string(),
    html: z.string(),
    sent_at: z.string().openapi({ format: "date-time" }),
  })
  .openapi("Email");

export type EmailWire = z.infer<typeof emailSchema>;

export const emailListSchema = listSchema(emailSchema, "EmailList");

export const emailQuerySchema = pageQuerySchema.extend({
  cursor: pageQuerySchema.shape.cursor.refine(
    (text) => text === undefined || typeof decodeCursor(text)?.key === "number",
    "is not a cursor that was given out",
  ),
  to: z.string().max(254).toLowerCase().optional().openapi({ description: "The whole address" }),
});

export type EmailQuery = z.infer<typeof emailQuerySchema>;
