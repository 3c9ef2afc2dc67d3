import type { OpenAPIHono } from "@hono/zod-openapi";
import { type Needed, OWN } from "../../permissions.ts";
import type { AppEnv } from "./app-env.ts";
import {
  ANY_OTHER,
  CODES,
  commonCodes,
  FACTS,
  HEADERS,
  PERMISSION,
  type Place,
  problemExamples,
  problemReplies,
  successHeaders,
} from "./openapi-answers.ts";
import { exampleMaker, type Words } from "./openapi-examples.ts";
import { tidy, withoutDefaults } from "./openapi-shapes.ts";
import type { Operation, Reply, Schema } from "./openapi-types.ts";
import { problemSchema } from "./problem.ts";

type Document = ReturnType<OpenAPIHono<AppEnv>["getOpenAPI31Document"]>;

export interface Product {
  name: string;
  version: string;
  description: string;
}

/** What the shop says of its API beside what its routes say. */
export interface Reference {
  /** How to start, in Markdown: what the page begins with. */
  start: string;
  license: { name: string; identifier: string };
  /** The headings, in the order in which a newcomer needs them. */
  tags: { name: string; description: string }[];
  securitySchemes: Record<string, { type: string; description: string; [more: string]: unknown }>;
  /** The scheme of each header that is a credential. */
  schemeOf: Record<string, string>;
  words: Words;
  /** Below which path the guards of the API stand, and where an access token is not looked at. */
  base: string;
  ignoresToken: (path: string) => boolean;
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** The OpenAPI document, made from the schemas that validate, once an isolate. */
export function describeApi(
  app: OpenAPIHono<AppEnv>,
  product: Product,
  reference: Reference,
): () => Document {
  let known: Document | undefined;
  return () => {
    known ??= generate(app, product, reference);
    return known;
  };
}

function generate(
  app: OpenAPIHono<AppEnv>,
  { name, version, description }: Product,
  reference: Reference,
): Document {
  app.openAPIRegistry.register("Problem", problemSchema);
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      ...{ title: name, version, summary: description, description: reference.start },
      license: reference.license,
    },
    tags: reference.tags,
  });
  const schemas = Object.fromEntries(
    Object.entries((document.components?.schemas ?? {}) as Record<string, Schema>).map(([key, schema]) => [
      key,
      tidy(schema),
    ]),
  );
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) =>
      item[method] ? [{ path, method, operation: item[method] as Operation }] : [],
    ),
  );
  const example = exampleMaker(schemas, reference.words);
  for (const { path, method, operation } of operations) complete(method, path, operation, reference, example);
  for (const key of requestSchemas(operations, schemas)) schemas[key] = withoutDefaults(schemas[key] ?? {});
  operations.sort((a, b) => placeOf(a.operation, reference) - placeOf(b.operation, reference));
  const responses = shareAnswers(operations.map(({ operation }) => operation));
  return {
    ...document,
    paths: inOrder(operations, document.paths ?? {}),
    components: {
      ...document.components,
      schemas,
      securitySchemes: reference.securitySchemes,
      headers: HEADERS,
      responses: { ...responses, AnyOther: ANY_OTHER },
      examples: problemExamples(),
    },
  } as Document;
}

type Example = ReturnType<typeof exampleMaker>;

/** Says of an operation whatever follows from what its route has said. */
function complete(
  method: string,
  path: string,
  operation: Operation,
  reference: Reference,
  example: Example,
) {
  const place: Place = {
    guarded: operation[FACTS] !== undefined && path.startsWith(reference.base),
    readsToken: !reference.ignoresToken(path),
  };
  operation.operationId ??= operationId(method, path, reference.base);
  const permission = operation[FACTS]?.permission;
  if (permission) {
    operation[PERMISSION] = permission;
    operation.description = `${operation.description ?? ""} ${toldOf(permission)}`.trim();
  }

  const codes = commonCodes(method, operation, place);
  operation.responses = answersOf(method, operation, codes, example);
  secure(operation, place, reference);
  for (const parameter of operation.parameters ?? []) {
    parameter.schema = tidy(parameter.schema ?? {});
    // The page fills a form with the examples: what may be left out is left out there.
    if (parameter.required) parameter.example ??= example(parameter.schema, parameter.name.toLowerCase());
  }
  for (const content of Object.values(operation.requestBody?.content ?? {})) {
    content.schema = withoutDefaults(tidy(content.schema ?? {}));
    content.example ??= example(content.schema, "");
  }
  delete operation[FACTS];
}

const toldOf = (permission: Needed): string =>
  [permission]
    .flat()
    .map((one) => (one === OWN ? "For who is signed in." : `Needs the permission \`${one}\`.`))
    .join(" Or: ");

function answersOf(
  method: string,
  operation: Operation,
  common: ReturnType<typeof commonCodes>,
  example: Example,
): Record<string, Reply> {
  const own = Object.values(operation.responses).flatMap((reply) => reply[CODES] ?? []);
  const answers = Object.entries(operation.responses).filter(([, reply]) => reply[CODES] === undefined);
  for (const [status, reply] of answers) {
    const named = Object.keys(reply.headers ?? {});
    reply.headers = successHeaders(operation, status === "304" ? [...named, "ETag"] : named);
    for (const content of Object.values(reply.content ?? {})) {
      content.schema = tidy(content.schema ?? {});
      content.example ??= example(content.schema, "");
    }
  }
  const refusals = Object.entries(problemReplies([...common, ...own], method));
  const told = new Map(answers);
  // Where a status has both an answer of its own and problems, it has both contents.
  for (const [status, refusal] of refusals) {
    const other = told.get(status);
    told.set(
      status,
      other ? { ...refusal, ...other, content: { ...other.content, ...refusal.content } } : refusal,
    );
  }
  const sorted = [...told].sort(([a], [b]) => Number(a) - Number(b));
  return { ...Object.fromEntries(sorted), default: { $ref: "#/components/responses/AnyOther" } };
}

/** Refusals that several operations have alike stand once, by a name of their own. */
function shareAnswers(operations: Operation[]): Record<string, Reply> {
  const refusals = operations.flatMap(({ responses }) =>
    Object.entries(responses).flatMap(([status, reply]) =>
      Number(status) >= 400 ? [{ responses, status, reply }] : [],
    ),
  );
  const shared: Record<string, Reply> = {};
  for (const alike of Map.groupBy(refusals, ({ reply }) => JSON.stringify(reply)).values()) {
    const [first, second] = alike;
    if (!first || !second) continue;
    const name = `Refused${first.status}_${Object.keys(shared).length + 1}`;
    shared[name] = first.reply;
    for (const { responses, status } of alike) responses[status] = { $ref: `#/components/responses/${name}` };
  }
  return shared;
}

/** What a caller must show. A header that is a credential is a scheme, and no parameter. */
function secure(operation: Operation, { readsToken }: Place, { schemeOf }: Reference): void {
  const schemes = (operation.parameters ?? []).flatMap((one) => schemeOf[one.name.toLowerCase()] ?? []);
  if (schemes.length > 0 && readsToken) {
    operation.parameters = operation.parameters?.filter((one) => !(one.name.toLowerCase() in schemeOf)) ?? [];
    operation.security ??= [...schemes.map((scheme) => ({ [scheme]: [] })), { bearer: [] }];
  }
  operation.security ??= [];
}

/** The named schemas that a request is made of. */
function requestSchemas(
  operations: { operation: Operation }[],
  schemas: Record<string, Schema>,
): Set<string> {
  const found = new Set<string>();
  const look = (value: unknown): void => {
    for (const [, key = ""] of JSON.stringify(value ?? {}).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (found.has(key)) continue;
      found.add(key);
      look(schemas[key]);
    }
  };
  for (const { operation } of operations) look(operation.requestBody);
  return found;
}

const placeOf = ({ tags = [] }: Operation, reference: Reference): number =>
  reference.tags.findIndex(({ name }) => name === tags[0]);

/** The paths in the order of their first operation's heading. */
function inOrder(operations: { path: string }[], paths: NonNullable<Document["paths"]>) {
  return Object.fromEntries(
    [...new Set(operations.map(({ path }) => path))].map((path) => [path, paths[path]]),
  );
}

/** `postThingsByIdCancel` for POST /things/{id}/cancel below the base. */
export function operationId(method: string, path: string, base: string): string {
  const words = (path.startsWith(base) ? path.slice(base.length) : path)
    .replace(/\{(\w+)\}/g, "by-$1")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
