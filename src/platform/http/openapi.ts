import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppEnv } from "./app-env.ts";
import { problemSchema } from "./problem.ts";

type Document = ReturnType<OpenAPIHono<AppEnv>["getOpenAPI31Document"]>;

export interface Product {
  name: string;
  version: string;
  description: string;
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/**
 * The OpenAPI document, made from the schemas that validate, once an isolate. An operation without an id gets one made of
 * its method and path, and each gets the problem as its default response.
 * @param base the prefix of most paths, which the ids leave out
 */
export function describeApi(app: OpenAPIHono<AppEnv>, product: Product, base: string): () => Document {
  let known: Document | undefined;
  return () => {
    known ??= generate(app, product, base);
    return known;
  };
}

function generate(app: OpenAPIHono<AppEnv>, { name, version, description }: Product, base: string): Document {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
  });
  app.openAPIRegistry.register("Problem", problemSchema);
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: name, version, description },
  });
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      operation.operationId ??= operationId(method, path, base);
      operation.responses = { ...operation.responses, default: DEFAULT_ANSWER };
    }
  }
  return document;
}

const DEFAULT_ANSWER = {
  description: "A problem; `code` says which",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

/** `postThingsByIdCancel` for POST /things/{id}/cancel below the base. */
export function operationId(method: string, path: string, base: string): string {
  const words = (path.startsWith(base) ? path.slice(base.length) : path)
    .replace(/\{(\w+)\}/g, "by-$1")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
