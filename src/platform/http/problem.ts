import { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import type { FieldCode, ProblemCode } from "../../problem-codes.ts";
import { knownNames } from "../messages.ts";
import { nearestName } from "../nearest.ts";
import type { AppEnv } from "./app-env.ts";

/** One fault of a request. `field` is a dotted path: `items.0.quantity`. */
export interface FieldError {
  field?: string;
  code: FieldCode;
  message: string;
  [detail: string]: unknown;
}

/** The page that lists all codes with their meaning. */
export const ERRORS_PAGE = "/docs/errors";

/** RFC 9457, with a stable `code` for programs and `errors` that point at fields. */
export interface Problem {
  status: number;
  code: ProblemCode;
  detail: string;
  errors?: FieldError[] | Record<string, unknown>[];
  [extension: string]: unknown;
}

/** The problem's type (RFC 9457, 3.1.1): where its code is explained, below the address that was asked. */
export function typeOf(code: ProblemCode): string {
  return `${ERRORS_PAGE}#${code}`;
}

export const problemSchema = z
  // Some have more: what they are about, such as `order` or `total`.
  .looseObject({
    type: z.string().openapi({ description: "Where its code is explained", example: typeOf("not_found") }),
    title: z.string().openapi({ description: "The status in words", example: "Not Found" }),
    status: z.int().openapi({ example: 404 }),
    code: z.string().openapi({ description: "For programs: it does not change", example: "not_found" }),
    detail: z.string().openapi({ description: "For people", example: "There is nothing here." }),
    request_id: z.string().openapi({ example: "01jcz4kq8rj2m5v0a7w9x3y6pd" }),
    errors: z
      .array(
        z.looseObject({
          field: z.string().optional().openapi({ description: "A dotted path", example: "items.0.quantity" }),
          code: z.string().optional().openapi({ example: "too_small" }),
          message: z.string().optional().openapi({ example: "must be a whole number from 1 to 1000000" }),
        }),
      )
      .optional()
      .openapi({ description: "What is wrong with each field" }),
  })
  .openapi("Problem");

export const TITLES: Record<number, string> = {
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
  return JSON.stringify({ type: typeOf(code), title, status, code, detail, request_id: requestId, ...rest });
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
  ...unknownAmong(errors, "field"),
});

/** The 400 of a query, path or header with wrong fields. */
export const invalidQuery = (errors: FieldError[]): Problem => ({
  status: 400,
  code: "invalid_query",
  detail: "The query could not be read.",
  errors,
  ...unknownAmong(errors, "parameter"),
});

type Named<Code> = Code extends `unknown_${infer What}` ? What : never;
/** What a problem can say that there is none of. */
type NamedByFilter = Exclude<Named<ProblemCode>, "field" | "item">;

/** The 422 of a filter that names nothing: an empty page would look as if nothing matched. */
export const unknownName = (what: NamedByFilter, fields: string[] = [`${what}_id`]): Problem => ({
  status: 422,
  code: `unknown_${what}`,
  detail: `There is no such ${what}.`,
  errors: fields.map((field) => ({ field, code: `unknown_${what}`, message: `names no ${what}` })),
});

/** The 422 of a range that ends before it begins. @param message such as `is before from` */
export const invalidRange = (field: string, message: string): Problem => ({
  status: 422,
  code: "invalid_range",
  detail: `The range ends before it begins: ${field} ${message}.`,
  errors: [{ field, code: "invalid_range", message }],
});

/** A misspelt name is told before all else: what is missing is most often its other side. */
function unknownAmong(
  errors: FieldError[],
  what: "field" | "parameter",
): Pick<Problem, "code" | "detail"> | null {
  const unknown = errors.find(({ code }) => code === UNKNOWN_FIELD);
  if (!unknown) return null;
  const { field, did_you_mean: near } = unknown;
  const hint = near === undefined ? "" : `: did you mean ${near}?`;
  return { code: UNKNOWN_FIELD, detail: `There is no ${what} ${field}${hint || "."}` };
}

const UNKNOWN_FIELD = "unknown_field";
/** How many unknown names of one object are told, and how much of each: a client could send a million of them. */
const MAX_UNKNOWN = 20;
const MAX_NAME_CHARACTERS = 100;

/** Names that a request has and its operation does not. @param known the names that it could have had */
export const unknownFields = (names: string[], known: string[], path: PropertyKey[] = []): FieldError[] =>
  names.slice(0, MAX_UNKNOWN).map((name) => unknownField(name, known, path));

function unknownField(name: string, known: string[], path: PropertyKey[]): FieldError {
  const near = nearestName(name, known);
  const field = [...path.map(String), name.slice(0, MAX_NAME_CHARACTERS).toWellFormed()].join(".");
  const others = known.length === 0 ? "" : `; known are ${known.join(", ")}`;
  return {
    field,
    code: UNKNOWN_FIELD,
    message: near === null ? `is not known here${others}` : `is not known here: did you mean ${near}?`,
    ...(near === null ? {} : { did_you_mean: near }),
  };
}

/** The 503 of a shop whose settings are wrong. */
export const misconfigured = (faults: { setting: string; message: string }[]): Problem => ({
  status: 503,
  code: "misconfigured",
  detail: "A setting is wrong.",
  errors: faults,
});

/** Turns zod's issues into the field errors of a 422. */
export const fieldErrors = (issues: readonly z.core.$ZodIssue[]): FieldError[] =>
  issues.flatMap((issue) => errorsOf(issue, []));

function errorsOf(issue: z.core.$ZodIssue, above: PropertyKey[]): FieldError[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const known = knownNames(issue.keys);
    return unknownFields(issue.keys, known, path);
  }
  const meant = issue.code === "invalid_union" ? meantBranch(issue.errors) : null;
  if (meant) return meant.flatMap((one) => errorsOf(one, path));
  const field = path.map(String).join(".");
  const code: FieldCode = (issue.code === "custom" && issue.params?.code) || issue.code;
  return [{ ...(field === "" ? {} : { field }), code, message: issue.message }];
}

/** Of the kinds that a value may be, the one that it is, with something wrong in it; null when it is of none. */
function meantBranch(branches: z.core.$ZodIssue[][]): z.core.$ZodIssue[] | null {
  const isOtherKind = ({ code, path }: z.core.$ZodIssue) => path.length === 0 && OTHER_KIND.has(code ?? "");
  const fitting = branches.filter((issues) => issues.length > 0 && !issues.some(isOtherKind));
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}

const OTHER_KIND = new Set(["invalid_type", "invalid_value", "invalid_format"]);
