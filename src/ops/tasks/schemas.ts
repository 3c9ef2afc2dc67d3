import { z } from "@hono/zod-openapi";
import { listSchema } from "../../platform/pagination.ts";
import { listQuerySchema } from "../../platform/read-page.ts";

const stamp = z.string().openapi({ format: "date-time" });
const taskName = z.string().openapi({ example: "email" });
const queue = z.string().nullable().openapi({
  description: "The queue that wakes it; null for a task of another version",
  example: "notifications",
});
const error = z.string().nullable().openapi({ description: "Of its last failure" });

const deadLetterSchema = z
  .object({
    id: z.string(),
    queue,
    task: taskName.openapi({ description: "`undelivered` for a message that no consumer could read" }),
    payload: z.unknown(),
    error,
    attempts: z.int(),
    first_at: stamp.openapi({ description: "When it was owed" }),
    last_at: stamp.openapi({ description: "When it died" }),
  })
  .openapi("DeadLetter");

export type DeadLetterWire = z.infer<typeof deadLetterSchema>;

export const deadLetterListSchema = listSchema(deadLetterSchema, "DeadLetterList");

const taskFilter = z.string().max(64).optional().openapi({ example: "email" });

export const deadLetterQuerySchema = listQuerySchema.extend({ task: taskFilter });

export type DeadLetterQuery = z.infer<typeof deadLetterQuerySchema>;

export const retriedSchema = z.object({ retried: z.int() }).openapi("Retried");

const state = z.enum(["owed", "done", "dead"]);

const taskSchema = z
  .object({
    id: z.string(),
    task: taskName,
    queue,
    object_id: z.string().openapi({ description: "The order, or other thing, that it is about" }),
    state,
    attempts: z.int().openapi({ description: "Begun so often since it was owed, or last retried" }),
    error,
    not_before: stamp,
    created_at: stamp,
    started_at: stamp.nullable().openapi({ description: "Its last attempt; null when none was begun" }),
    finished_at: stamp.nullable(),
    duration_ms: z.int().nullable().openapi({
      description: "Of its last attempt; null while unfinished, and when it was done before its turn came",
    }),
  })
  .openapi("Task");

export type TaskWire = z.infer<typeof taskSchema>;

export const taskListSchema = listSchema(taskSchema, "TaskList");

export const taskQuerySchema = listQuerySchema.extend({ task: taskFilter, state: state.optional() });

export type TaskQuery = z.infer<typeof taskQuerySchema>;
