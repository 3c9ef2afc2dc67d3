import { z } from "@hono/zod-openapi";
import { listSchema } from "../../platform/pagination.ts";
import { isRule } from "./schedule.ts";

const stamp = z.string().openapi({ format: "date-time" });

const lastRunSchema = z.object({
  at: stamp.openapi({ description: "When it began" }),
  outcome: z.enum(["running", "done", "failed"]),
  duration_ms: z.int().nullable(),
  detail: z.string().nullable(),
});

export const jobSchema = z
  .object({
    name: z.string().openapi({ example: "daily-report" }),
    schedule: z.string().openapi({ example: "0 0 * * *", description: "Cron, five fields, in TIME_ZONE" }),
    enabled: z.boolean(),
    last_run: lastRunSchema.nullable(),
    warning: z.string().optional().openapi({
      description: "Where it comes too seldom for what waits for it",
      example: "Stock and money wait for it: it should come every day at least.",
    }),
    next_at: stamp.nullable().openapi({ description: "Null while it is switched off" }),
  })
  .openapi("Job");
export type JobWire = z.infer<typeof jobSchema>;

export const jobListSchema = listSchema(jobSchema, "JobList");

export const jobRunSchema = lastRunSchema
  .extend({ id: z.string(), name: z.string(), scheduled_for: stamp.nullable() })
  .openapi("JobRun");
export type JobRunWire = z.infer<typeof jobRunSchema>;

export const jobParam = z.object({
  name: z.string().openapi({ param: { name: "name", in: "path" }, example: "daily-report" }),
});

/** From when it is checked that a rule ever comes true. Any day will do, since the calendar repeats. */
const ANY_DAY = Date.UTC(2026, 0, 1);

export const jobChangeSchema = z
  .strictObject({
    schedule: z
      .string()
      .max(100)
      .refine((text) => isRule(text, ANY_DAY), "is not a cron rule of five fields that ever comes true")
      .transform((text) => text.trim().split(/\s+/).join(" "))
      .nullable()
      .optional()
      .openapi({ type: "string", description: "Null for the built-in one" }),
    enabled: z.boolean().optional(),
  })
  .openapi("JobChange");
export type JobChange = z.infer<typeof jobChangeSchema>;

export const runJobSchema = z
  .strictObject({
    at: z.iso
      .datetime({ offset: true })
      .transform((text) => Date.parse(text))
      .optional()
      .openapi({ type: "string", format: "date-time", description: "Run it as if then; local only" }),
  })
  .openapi("RunJob");
