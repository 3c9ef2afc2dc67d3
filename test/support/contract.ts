import { FIELD_CODES, PROBLEM_CODES } from "../../src/problem-codes.ts";
import { faultsOf, type Schema, type Schemas } from "./fits-schema.ts";

/** As much of the API's document as answers are held to. */
export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Schemas; responses: Record<string, Reply> };
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  example?: unknown;
}

export interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, Reply>;
}

export interface Content {
  schema: Schema;
  example?: unknown;
  examples?: Record<string, unknown>;
}

interface Reply {
  $ref?: string;
  description: string;
  headers?: Record<string, unknown>;
  content?: Record<string, Content>;
}

/** An answer with what was asked. */
export interface Answered {
  method: string;
  path: string;
  status: number;
  headers: Headers;
  /** The body's text; null where it is not looked at. */
  text: string | null;
}

/** Headers of ours: one that is sent is declared. The others are of HTTP itself, or the same everywhere. */
const TOLD_HEADERS = [
  ..."etag location idempotency-replayed ratelimit ratelimit-policy retry-after".split(" "),
  ..."www-authenticate x-request-id".split(" "),
];
/** What any operation may answer beside what it lists. */
const ANYWHERE = new Set(["internal_error", "method_not_allowed", "host_not_allowed", "refused"]);

/** Each operation of the document, by its name: `post /orders/{id}/cancel`. */
export const operationsOf = (document: ApiDocument) =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      name: `${method} ${path}`,
      method,
      path,
      operation,
    })),
  );

/** What holds answers to the document. */
export function contractOf(document: ApiDocument) {
  const operations = operationsOf(document)
    .map((one) => ({
      ...one,
      pattern: new RegExp(`^${one.path.replaceAll(/[.]/g, "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}/?$`),
    }))
    // A word in a path goes before a name in its place.
    .sort((a, b) => a.path.split("{").length - b.path.split("{").length);

  const find = (method: string, path: string) =>
    operations.find((one) => one.method === method.toLowerCase() && one.pattern.test(path));

  /** What the document lacks, or the answer; empty where they agree, and for what is no operation. */
  function faults({ method, path, status, headers, text }: Answered): string[] {
    const found = find(method, path);
    if (!found) return [];
    const { name, operation } = found;
    const reply = replyOf(document, operation, status);
    const type = headers.get("content-type")?.split(";")[0] ?? "";
    if (type === "application/problem+json") return problemFaults(name, reply, status, headers, text);
    if (!reply) return [`${name} answers ${status}, which its route does not declare`];
    const undeclared = headerFaults(name, reply, status, headers);
    if (text === null || text === "") return undeclared;
    const content = reply.content?.[type];
    if (!content) return [...undeclared, `${name} answers ${status} as ${type}, which it does not declare`];
    const body: unknown = type === "application/json" ? JSON.parse(text) : text;
    return [
      ...undeclared,
      ...faultsOf(content.schema, body, document.components.schemas).map(
        (one) => `${name} ${status}: ${one}`,
      ),
    ];
  }

  function problemFaults(
    name: string,
    reply: Reply | undefined,
    status: number,
    headers: Headers,
    text: string | null,
  ): string[] {
    if (text === null || text === "") return [];
    const problem = JSON.parse(text) as { code: string; errors?: { code?: string }[] };
    const unknown = (problem.errors ?? []).flatMap(({ code }) =>
      code === undefined || code in FIELD_CODES || code in PROBLEM_CODES
        ? []
        : [`${name}: FIELD_CODES in src/problem-codes.ts lacks ${code}`],
    );
    if (ANYWHERE.has(problem.code)) return unknown;
    const content = reply?.content?.["application/problem+json"];
    if (!reply || !content?.examples || !codesOf(content).includes(problem.code)) {
      return [...unknown, `${name} answers ${status} ${problem.code}: add it to the problems() of its route`];
    }
    const misfits = faultsOf(content.schema, problem, document.components.schemas, { open: true });
    return [
      ...unknown,
      ...headerFaults(name, reply, status, headers),
      ...misfits.map((one) => `${name} ${status} ${problem.code}: ${one}`),
    ];
  }

  return { find, faults };
}

/** What an operation declares to answer with a status. */
export function replyOf(
  document: ApiDocument,
  operation: Operation,
  status: number | string,
): Reply | undefined {
  const reply = operation.responses[status];
  return reply?.$ref === undefined
    ? reply
    : document.components.responses[reply.$ref.split("/").at(-1) ?? ""];
}

/** The codes that a declared problem may have. */
export const codesOf = ({ schema }: Content): string[] =>
  (schema.allOf ?? []).flatMap((part) => (part.properties?.code?.enum ?? []) as string[]);

function headerFaults(
  name: string,
  { headers: declared = {} }: Reply,
  status: number,
  headers: Headers,
): string[] {
  const known = new Set(Object.keys(declared).map((header) => header.toLowerCase()));
  return TOLD_HEADERS.filter((header) => headers.has(header) && !known.has(header)).map(
    (header) =>
      `${name} ${status} sends ${header}: its route does not declare it (the third argument of jsonContent)`,
  );
}
