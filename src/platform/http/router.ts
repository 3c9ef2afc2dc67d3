import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { AppEnv } from "./app-env.ts";
import { invalidJson } from "./body-guard.ts";
import type { Endpoint } from "./endpoint.ts";
import { MemoRouter } from "./memo-router.ts";
import {
  type FieldError,
  fieldErrors,
  invalidBody,
  invalidQuery,
  problem,
  problemSchema,
} from "./problem.ts";

/** A room's router. It answers failed validation with a problem, and tolerates a trailing slash. */
export function createRouter(...endpoints: Endpoint[]) {
  const router = new OpenAPIHono<AppEnv>({
    strict: false,
    router: new MemoRouter(),
    defaultHook: async (result, c) => {
      if (result.success) return;
      if (result.target === "json" && (await c.req.text()) === "") {
        return problem(c, invalidJson("The body is empty: JSON is needed here."));
      }
      const errors = fieldErrors(result.error.issues);
      if (result.target === "json" || result.target === "form") return problem(c, invalidBody(errors));
      return problem(
        c,
        invalidQuery(result.target === "query" ? tellRepeated(errors, c.req.queries()) : errors),
      );
    },
  });
  for (const { route, handler } of endpoints) router.openapi(route, handler);
  return router;
}

/** Says of a parameter that is given twice just that: by its schema it would be no text. */
const tellRepeated = (errors: FieldError[], given: Record<string, string[]>): FieldError[] =>
  errors.map((error) => {
    const times = given[error.field ?? ""]?.length ?? 0;
    if (times < 2 || error.code === "unknown_field") return error;
    const message = `is given ${times} times: give it once, a list with commas between`;
    return { ...error, code: "repeated", message };
  });

/** The failures of a route in OpenAPI. Each is a problem; its `code` says which. */
export function problems<S extends number>(...statuses: S[]): Record<S, ReturnType<typeof problemContent>> {
  const declared = {} as Record<S, ReturnType<typeof problemContent>>;
  for (const status of statuses) declared[status] = problemContent(PROBLEMS[status] ?? "A problem");
  return declared;
}

const problemContent = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});

const PROBLEMS: Record<number, string> = {
  400: "Unreadable JSON or query",
  401: "No or bad credential",
  403: "Role or scope",
  404: "Not there, or not yours",
  409: "The state forbids it",
  412: "Stale If-Match",
  413: "Body too large",
  415: "Not JSON",
  422: "A field is wrong",
  429: "Too many requests",
  503: "Try again",
};

/** For OpenAPI: the 304 of a route that takes If-None-Match. */
export const UNCHANGED = { description: "Unchanged" };

/** A JSON answer of one schema. */
export const jsonContent = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

/** A JSON body of one schema, required. */
export const jsonBody = <S extends z.ZodType>(schema: S) => ({
  required: true as const,
  content: { "application/json": { schema } },
});

/** For OpenAPI: the route needs a signed-in user. Middleware such as `requireStaff` enforces it. */
export const bearer = [{ bearer: [] }];

/** The id in a path. Any text is accepted, so that an unknown id is a 404 and not a 400. */
export const idParam = (example: string) =>
  z.object({ id: z.string().openapi({ param: { name: "id", in: "path" }, example }) });
