import { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import type { AppEnv } from "./app-env.ts";

/** One fault of a request. `field` is a dotted path: `items.0.quantity`. */
export interface FieldError {
  field?: string;
  code: string;
  message: string;
  [detail: string]: unknown;
}

/** RFC 9457, with a stable `code` for programs and `errors` that point at fields. */
export interface Problem {
  status: number;
  code: string;
  detail: string;
  errors?: FieldError[] | Record<string, unknown>[];
  [extension: string]: unknown;
}

export const problemSchema = z
  .object({
    type: z.string().openapi({ example: "about:blank" }),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ example: "insufficient_stock" }),
    detail: z.string(),
    request_id: z.string(),
    errors: z
      .array(z.looseObject({ field: z.string().optional(), message: z.string().optional() }))
      .optional(),
  })
  .openapi("Problem");

const TITLES: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** The body of a problem, also for code that stores an answer before it is sent. */
export function problemBody(problem: Problem, requestId: string): string {
  const { status, code, detail, ...rest } = problem;
  const title = TITLES[status] ?? "Error";
  return JSON.stringify({ type: "about:blank", title, status, code, detail, request_id: requestId, ...rest });
}

/** A class of its own, so that the type of a route's responses can name it. */
export class ProblemAnswer extends Response {
  declare readonly answers: "a problem";
}

/** Answers a request with a problem. */
export const problem = (
  c: HonoContext<AppEnv>,
  fault: Problem,
  headers: Record<string, string> = {},
): ProblemAnswer =>
  new ProblemAnswer(problemBody(fault, c.get("requestId")), {
    status: fault.status,
    headers: { "content-type": "application/problem+json", ...headers },
  });

export const notFound = (what: string): Problem => ({
  status: 404,
  code: "not_found",
  detail: `There is no such ${what}.`,
});

/** The 422 of a body with wrong fields. */
export const invalidBody = (errors: FieldError[]): Problem => ({
  status: 422,
  code: "invalid_body",
  detail: "A field is wrong.",
  errors,
});

/** The 400 of a query, path or header with wrong fields. */
export const invalidQuery = (errors: FieldError[]): Problem => ({
  status: 400,
  code: "invalid_query",
  detail: "The query could not be read.",
  errors,
});

/** The 503 of a shop whose settings are wrong. */
export const misconfigured = (faults: { setting: string; message: string }[]): Problem => ({
  status: 503,
  code: "misconfigured",
  detail: "A setting is wrong.",
  errors: faults,
});

/** Turns zod's issues into the field errors of a 422. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  return issues.map((issue) => {
    const field = issue.path.map(String).join(".");
    const keys = issue.code === "unrecognized_keys" ? issue.keys.join(", ") : undefined;
    return { field: field || keys, code: issue.code, message: issue.message };
  });
}
