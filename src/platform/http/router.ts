import { OpenAPIHono, z } from "@hono/zod-openapi";
import { type ProblemCode, type StatusOf, statusesOf } from "../../problem-codes.ts";
import type { AppEnv } from "./app-env.ts";
import { invalidJson } from "./body-guard.ts";
import type { Endpoint } from "./endpoint.ts";
import { MemoRouter } from "./memo-router.ts";
import { CODES } from "./openapi-answers.ts";
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

/**
 * The failures of a route in OpenAPI, by the codes that only its own handler answers. Those of the guards before it
 * follow from the route (`commonCodes`), and need not be named.
 */
export function problems<C extends ProblemCode>(
  ...codes: C[]
): Record<StatusOf<C>, ReturnType<typeof problemContent>> {
  const declared: Record<number, ReturnType<typeof problemContent>> = {};
  for (const code of codes) {
    for (const status of statusesOf(code)) {
      declared[status] ??= problemContent();
      declared[status][CODES].push(code);
    }
  }
  return declared;
}

const problemContent = () => ({
  description: "A problem",
  content: { "application/problem+json": { schema: problemSchema } },
  [CODES]: [] as ProblemCode[],
});

/** For OpenAPI: the 304 of a route that takes If-None-Match. */
export const UNCHANGED = { description: "Unchanged" };

/** A JSON answer of one schema. @param sends headers of its own, which `HEADERS` describes */
export const jsonContent = <S extends z.ZodType>(
  schema: S,
  description: string,
  sends: ("ETag" | "Location")[] = [],
) => ({
  description,
  ...(sends.length === 0 ? {} : { headers: Object.fromEntries(sends.map((name) => [name, {}])) }),
  content: { "application/json": { schema } },
});

/** A JSON body of one schema, required. */
export const jsonBody = <S extends z.ZodType>(schema: S) => ({
  required: true as const,
  content: { "application/json": { schema } },
});

/** For OpenAPI: guests may call it too, and what a user makes is theirs. */
export const bearerOrGuest: Record<string, string[]>[] = [{}, { bearer: [] }];

/** The id in a path. Any text is accepted, so that an unknown id is a 404 and not a 400. */
export const idParam = (example: string) =>
  z.object({ id: z.string().openapi({ param: { name: "id", in: "path" }, example }) });
