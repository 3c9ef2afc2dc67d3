import { z } from "@hono/zod-openapi";

const statusSchema = z.enum(["healthy", "degraded", "unhealthy"]);

export const healthSchema = z
  .object({
    status: statusSchema.openapi({ description: "`unhealthy` when orders cannot be taken" }),
    checks: z.record(
      z.string(),
      z.object({ status: statusSchema, latency_ms: z.number(), detail: z.string().nullable() }),
    ),
  })
  .openapi("Health");
