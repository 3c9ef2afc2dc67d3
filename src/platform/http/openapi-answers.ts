import type { Needed } from "../../permissions.ts";
import { PROBLEM_CODES, type ProblemCode, statusesOf } from "../../problem-codes.ts";
import type { Header, Operation, Reply } from "./openapi-types.ts";
import { TITLES, typeOf } from "./problem.ts";

/** Where a declared answer keeps its codes, and a route what follows from its guards, until the document is made. */
export const CODES = "x-codes";
export const FACTS = "x-facts";

/** Where an operation names its permission, for programs. */
export const PERMISSION = "x-permission";

/** What OpenAPI takes from how a route was made. */
export interface RouteFacts {
  /** Null where everybody may call it. */
  permission: Needed | null;
  refusedWhileRestoring: boolean;
}

/** Where an operation stands: behind which guards of the app. */
export interface Place {
  /** Behind the guards of the API: its access tokens, its limit of requests, its restores. */
  guarded: boolean;
  /** Whether an access token that is sent is looked at. */
  readsToken: boolean;
}

const IN_STATUS: Record<number, string> = {
  400: "The request cannot be read",
  401: "No credential, or a bad one",
  403: "Not allowed",
  404: "Not there, or not yours",
  409: "The state forbids it",
  412: "Changed since it was read",
  413: "The body is too large",
  415: "The body is not JSON",
  422: "A field is wrong",
  429: "Too many requests",
  503: "Nothing is lost: send the same request again",
};

/** What any operation may answer, however rarely: what is wrong with the request as a whole, or with the shop. */
export const ANYWHERE: ProblemCode[] = [
  "internal_error",
  "method_not_allowed",
  "host_not_allowed",
  "refused",
];

/** The codes that follow from the guards before a route, and from what it takes. */
export function commonCodes(
  method: string,
  operation: Operation,
  { guarded, readsToken }: Place,
): ProblemCode[] {
  const facts = operation[FACTS];
  // It is described only, and looks at its body by itself.
  if (!facts) return ["body_too_large", "unavailable", "misconfigured"];
  const { permission, refusedWhileRestoring } = facts;
  const parameters = operation.parameters ?? [];
  const takes = (name: string) => parameters.some((one) => one.name.toLowerCase() === name);
  const writes = method !== "get";
  const codes: (ProblemCode | false)[] = [
    "invalid_query",
    "unknown_field",
    writes && "invalid_json",
    writes && "body_too_large",
    writes && "unsupported_media_type",
    writes && "invalid_body",
    permission !== null && "unauthenticated",
    guarded && readsToken && "invalid_token",
    guarded && readsToken && "identity_provider_unavailable",
    permission !== null && "forbidden",
    parameters.some((one) => one.in === "path") && "not_found",
    takes("if-match") && "stale",
    takes("idempotency-key") && "idempotency_key_reused",
    takes("idempotency-key") && "invalid_idempotency_key",
    "rate_limited",
    guarded && writes && refusedWhileRestoring && "restoring",
    "unavailable",
    "misconfigured",
  ];
  return codes.filter((code) => code !== false);
}

/** The problems of an operation by status: which codes, what each means, and a whole example of each. */
export function problemReplies(codes: ProblemCode[], method: string): Record<string, Reply> {
  const byStatus = new Map<number, Set<ProblemCode>>();
  for (const code of codes) {
    for (const status of statusesOf(code)) {
      // A GET has no body, whose unknown field would be a 422.
      if (code === "unknown_field" && status === 422 && method === "get") continue;
      byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
    }
  }
  return Object.fromEntries([...byStatus].map(([status, set]) => [status, reply(status, [...set].sort())]));
}

function reply(status: number, codes: ProblemCode[]): Reply {
  const lines = codes.map((code) => `- \`${code}\`: ${PROBLEM_CODES[code].means}`);
  const problem = { $ref: "#/components/schemas/Problem" };
  return {
    description: `${IN_STATUS[status] ?? TITLES[status]}.\n\n${lines.join("\n")}`,
    headers: headersOf(status),
    content: {
      "application/problem+json": {
        schema: {
          allOf: [problem, { type: "object", properties: { code: { type: "string", enum: codes } } }],
        },
        examples: examplesOf(codes, status),
      },
    },
  };
}

const exampleName = (code: ProblemCode, status: number): string =>
  statusesOf(code).length > 1 ? `${code}_${status}` : code;

const REQUEST_ID = "01jcz4kq8rj2m5v0a7w9x3y6pd";

const examplesOf = (codes: ProblemCode[], status: number) =>
  Object.fromEntries(
    codes.map((code) => [code, { $ref: `#/components/examples/${exampleName(code, status)}` }]),
  );

/** One of each code, to which the operations refer. */
export const problemExamples = (): Record<string, { summary: string; value: unknown }> =>
  Object.fromEntries(
    (Object.keys(PROBLEM_CODES) as ProblemCode[]).filter(isOfAnOperation).flatMap((code) =>
      statusesOf(code).map((status) => {
        const { means } = PROBLEM_CODES[code];
        const value = {
          ...{ type: typeOf(code), title: TITLES[status] ?? "Error", status, code },
          ...{ detail: means, request_id: REQUEST_ID },
        };
        return [exampleName(code, status), { summary: means, value }];
      }),
    ),
  );

/** What stands only inside of an answer about many needs no example of its own. */
const isOfAnOperation = (code: ProblemCode): boolean => code !== "others_not_placed";

/** The headers that answers have beside their bodies, by name. */
export const HEADERS: Record<string, Header> = {
  "X-Request-Id": {
    description:
      "The request's id: the one that you sent, or ours. Every line of the log about it has it. One that you sent is not in answers that caches may repeat to others.",
    schema: { type: "string", example: REQUEST_ID },
  },
  ETag: {
    description: "The version that was answered: for `If-Match` and `If-None-Match`",
    schema: { type: "string", example: '"1"' },
  },
  Location: { description: "Where what was made is to be read", schema: { type: "string" } },
  "Idempotency-Replayed": {
    description: "`true` where this is the answer that an earlier request under the same key was given",
    schema: { type: "string", enum: ["true"] },
  },
  RateLimit: {
    description:
      "What is left of each limit: `r` requests, and in `t` seconds more. Not sent where none is counted.",
    schema: { type: "string", example: '"requests";r=599;t=60' },
  },
  "RateLimit-Policy": {
    description: "Each limit: `q` requests in `w` seconds",
    schema: { type: "string", example: '"requests";q=600;w=60' },
  },
  "Retry-After": { description: "Seconds to wait", schema: { type: "string", example: "1" } },
  "WWW-Authenticate": {
    description: "Which credential is needed",
    schema: { type: "string", example: "Bearer" },
  },
};

const referTo = (names: string[]): Record<string, Header> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const headersOf = (status: number): Record<string, Header> =>
  referTo([
    ...["X-Request-Id", "RateLimit", "RateLimit-Policy"],
    ...(status === 401 ? ["WWW-Authenticate"] : []),
    ...(status === 429 || status === 503 ? ["Retry-After"] : []),
    ...(status === 404 || status === 409 ? ["Idempotency-Replayed"] : []),
  ]);

/** What an answer that is no problem has. @param own what its route sends besides */
export const successHeaders = (operation: Operation, own: string[]): Record<string, Header> =>
  referTo([
    "X-Request-Id",
    "RateLimit",
    "RateLimit-Policy",
    ...((operation.parameters ?? []).some((one) => one.name.toLowerCase() === "idempotency-key")
      ? ["Idempotency-Replayed"]
      : []),
    ...own,
  ]);

/** For what is in no operation's list. */
export const ANY_OTHER: Reply = {
  description: `Any other problem: ${ANYWHERE.map((code) => `\`${code}\``).join(", ")}`,
  headers: headersOf(500),
  content: {
    "application/problem+json": {
      schema: { $ref: "#/components/schemas/Problem" },
      examples: Object.assign({}, ...ANYWHERE.map((code) => examplesOf([code], statusesOf(code)[0] ?? 500))),
    },
  },
};
