import { z } from "@hono/zod-openapi";
import { momentSchema } from "../platform/http/range.ts";
import { listSchema } from "../platform/pagination.ts";
import { listQuerySchema } from "../platform/read-page.ts";

const changed = z
  .record(z.string(), z.unknown())
  .nullable()
  .openapi({ description: "The fields that changed. Secrets are left out, personal data is masked" });

export const auditEntrySchema = z
  .object({
    id: z.int().openapi({ example: 17 }),
    at: z.iso.datetime(),
    actor: z
      .string()
      .openapi({ description: "A user's or key's id; `system` where the shop acted by itself" }),
    action: z.string().openapi({ example: "user.updated" }),
    object: z.object({
      type: z.string().openapi({ example: "user" }),
      id: z.string().openapi({ example: "usr_01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    }),
    before: changed.openapi({ example: { role: "customer" } }),
    after: changed.openapi({ example: { role: "staff" } }),
    ip: z.string().nullable().openapi({ example: "192.0.2.7" }),
    request_id: z.string().nullable(),
  })
  .openapi("AuditEntry");

export const auditListSchema = listSchema(auditEntrySchema, "AuditLog");

const name = (description: string) => z.string().min(1).max(100).optional().openapi({ description });

export const auditQuerySchema = listQuerySchema.extend({
  object_type: name("What was changed: `user`, `order`, `product`, …"),
  object_id: name("Which of them; `object_type` must be given too"),
  actor: name("Who changed it: a user's or key's id, or `system`"),
  action: name("What was done: `user.updated`"),
  from: momentSchema.optional().openapi({ description: "A stamp, or a date in the shop's time zone" }),
  to: momentSchema.optional().openapi({ description: "A stamp, or a date: the whole day" }),
});
