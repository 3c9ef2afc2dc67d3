import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { notFound, type Problem, problem } from "../../platform/http/problem.ts";
import { createRouter, idParam, jsonContent, problems } from "../../platform/http/router.ts";
import type { ProblemCode } from "../../problem-codes.ts";
import { dropDeadLetter, revokeTask } from "./drop.ts";
import { listDeadLetters, listTasks } from "./list.ts";
import { retryDeadLetter, retryDeadLetters } from "./retry.ts";
import {
  deadLetterListSchema,
  deadLetterQuerySchema,
  retriedSchema,
  taskListSchema,
  taskQuerySchema,
} from "./schemas.ts";

const staffOnly = { tags: ["Operations"], permission: "ops" as const };
const TASK_ID = "wrk_01jcz4kq8rj2m5v0a7w9x3y6pd";

const deadLettersRoute = createRoute({
  ...staffOnly,
  method: "get",
  path: "/dead-letters",
  summary: "List what was given up, newest first",
  description: "Tasks that failed too often, and messages that nobody could read.",
  request: { query: deadLetterQuerySchema },
  responses: { 200: jsonContent(deadLetterListSchema, "A page of dead letters") },
});

const retryAllRoute = createRoute({
  ...staffOnly,
  method: "post",
  path: "/dead-letters/retry",
  summary: "Try again all that was given up",
  description: "All that can be retried, a bounded number at a time.",
  responses: { 200: jsonContent(retriedSchema, "How many") },
});

const retryRoute = createRoute({
  ...staffOnly,
  method: "post",
  path: "/dead-letters/{id}/retry",
  summary: "Try again what was given up",
  description: "It is owed again, and begins at once.",
  request: { params: idParam(TASK_ID) },
  responses: {
    200: jsonContent(retriedSchema, "Owed again, and woken"),
    ...problems("not_dead", "not_retryable"),
  },
});

const dropRoute = createRoute({
  ...staffOnly,
  method: "delete",
  path: "/dead-letters/{id}",
  summary: "Drop what was given up, where neither stock nor money hangs on it",
  description: "What stock or money hangs on can only be retried.",
  request: { params: idParam(TASK_ID) },
  responses: { 204: { description: "Dropped" }, ...problems("not_dead", "task_is_critical") },
});

const tasksRoute = createRoute({
  ...staffOnly,
  method: "get",
  path: "/tasks",
  summary: "List the work owed and recently done, newest first",
  description: "By `state` and by `task`, with their attempts.",
  request: { query: taskQuerySchema },
  responses: { 200: jsonContent(taskListSchema, "A page of tasks") },
});

const revokeRoute = createRoute({
  ...staffOnly,
  method: "delete",
  path: "/tasks/{id}",
  summary: "Revoke what has not begun, where neither stock nor money hangs on it",
  description: "What stock or money hangs on cannot be revoked.",
  request: { params: idParam(TASK_ID) },
  responses: {
    204: { description: "Revoked" },
    ...problems("already_begun", "already_done", "task_is_critical"),
  },
});

const conflict = (code: ProblemCode, detail: string): Problem => ({ status: 409, code, detail });

const NO_DEAD_LETTER = notFound("dead letter");
const NOT_DEAD = conflict("not_dead", "This task is not dead: it is owed, under way or done.");
const CRITICAL = conflict(
  "task_is_critical",
  "Stock or money hangs on this task: it can be retried, but not given up.",
);

/** Dead letters and tasks. A retry needs no Idempotency-Key, because a second one finds nothing dead. */
export const tasksRoutes = createRouter(
  endpoint(deadLettersRoute, async (c) =>
    c.json(await listDeadLetters(c.get("context"), c.req.valid("query")), 200),
  ),
  endpoint(retryAllRoute, async (c) => c.json({ retried: await retryDeadLetters(c.get("context")) }, 200)),
  endpoint(retryRoute, async (c) => {
    const outcome = await retryDeadLetter(c.get("context"), c.req.valid("param").id);
    switch (outcome.kind) {
      case "retried":
        return c.json({ retried: 1 }, 200);
      case "not_found":
        return problem(c, NO_DEAD_LETTER);
      case "not_dead":
        return problem(c, NOT_DEAD);
      case "not_retryable":
        return problem(
          c,
          conflict("not_retryable", "No task is known of this message: it can only be dropped."),
        );
    }
  }),
  endpoint(dropRoute, async (c) => {
    const outcome = await dropDeadLetter(c.get("context"), c.req.valid("param").id);
    switch (outcome.kind) {
      case "dropped":
        return c.body(null, 204);
      case "not_found":
        return problem(c, NO_DEAD_LETTER);
      case "not_dead":
        return problem(c, NOT_DEAD);
      case "critical":
        return problem(c, CRITICAL);
    }
  }),
  endpoint(tasksRoute, async (c) => c.json(await listTasks(c.get("context"), c.req.valid("query")), 200)),
  endpoint(revokeRoute, async (c) => {
    const outcome = await revokeTask(c.get("context"), c.req.valid("param").id);
    switch (outcome.kind) {
      case "revoked":
        return c.body(null, 204);
      case "not_found":
        return problem(c, notFound("task"));
      case "begun":
        return problem(c, conflict("already_begun", "This task has been begun."));
      case "done":
        return problem(c, conflict("already_done", "This task is done."));
      case "dead":
        return problem(c, conflict("already_begun", "This task has died: drop its dead letter."));
      case "critical":
        return problem(c, CRITICAL);
    }
  }),
);
