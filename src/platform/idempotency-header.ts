import { z } from "@hono/zod-openapi";

/** For OpenAPI. `once` reads the header. */
export const idempotencyHeader = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .openapi({ description: "Makes the request safe to repeat: a replay gets the first answer" }),
});
