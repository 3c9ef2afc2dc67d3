import { createRoute, endpoint, idempotencyHeader } from "../platform/http/endpoint.ts";
import { forbidden, signedIn } from "../platform/http/permission-guard.ts";
import { notFound, type Problem, problem } from "../platform/http/problem.ts";
import { createRouter, idParam, jsonBody, jsonContent } from "../platform/http/router.ts";
import { once } from "../platform/idempotency.ts";
import { createKey, listKeys, readApiKey, revokeKey } from "./api-keys.ts";
import {
  apiKeyListSchema,
  apiKeySchema,
  cursorQuerySchema,
  madeApiKeySchema,
  newApiKeySchema,
} from "./schemas.ts";

const guarded = { tags: ["Accounts"], permission: "keys" as const };
const params = idParam("key_01jcz4kq8rj2m5v0a7w9x3y6pd");

const makeRoute = createRoute({
  ...guarded,
  method: "post",
  path: "/api-keys",
  summary: "Make an API key",
  description:
    "For a program of the shop's, which sends it as `Authorization: Bearer …`. The answer alone has the `secret`.",
  request: { headers: idempotencyHeader, body: jsonBody(newApiKeySchema) },
  responses: { 201: jsonContent(madeApiKeySchema, "Made; the secret is told here alone") },
});

const listRoute = createRoute({
  ...guarded,
  method: "get",
  path: "/api-keys",
  summary: "All API keys",
  description: "The newest first; those that were revoked too.",
  request: { query: cursorQuerySchema },
  responses: { 200: jsonContent(apiKeyListSchema, "A page of keys") },
});

const readRoute = createRoute({
  ...guarded,
  method: "get",
  path: "/api-keys/{id}",
  summary: "An API key",
  description: "Without its secret, of which only a hash is stored.",
  request: { params },
  responses: { 200: jsonContent(apiKeySchema, "The key") },
});

const revokeRoute = createRoute({
  ...guarded,
  method: "delete",
  path: "/api-keys/{id}",
  summary: "Revoke an API key",
  description: "At once. It stays in the list.",
  request: { params },
  responses: { 204: { description: "It opens nothing any more" } },
});

const EXPIRED: Problem = {
  status: 422,
  code: "invalid_body",
  detail: "A field is wrong.",
  errors: [{ field: "expires_at", code: "custom", message: "must be in the future" }],
};

/** Keys of programs. They are for people to make: no key makes another. */
export const apiKeysRoutes = createRouter(
  endpoint(makeRoute, async (c) =>
    once(c, async (operation) => {
      const outcome = await createKey(c.get("context"), signedIn(c), operation, c.req.valid("json"));
      switch (outcome.kind) {
        case "created":
          return c.json(outcome.key, 201, { "Cache-Control": "no-store" });
        case "beyond_yours":
          return problem(c, {
            ...forbidden("Nobody gives what they may not do themselves."),
            permissions: outcome.lacked,
          });
        case "expired":
          return problem(c, EXPIRED);
      }
    }),
  ),
  endpoint(listRoute, async (c) => c.json(await listKeys(c.get("context"), c.req.valid("query")), 200)),
  endpoint(readRoute, async (c) => {
    const key = await readApiKey(c.get("context"), c.req.valid("param").id);
    return key ? c.json(key, 200) : problem(c, notFound("key"));
  }),
  endpoint(revokeRoute, async (c) => {
    const revoked = await revokeKey(c.get("context"), c.req.valid("param").id);
    return revoked ? c.body(null, 204) : problem(c, notFound("key"));
  }),
);
