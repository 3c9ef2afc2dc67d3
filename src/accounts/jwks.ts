import { z } from "@hono/zod-openapi";
import { createRoute, endpoint } from "../platform/http/endpoint.ts";
import { problem } from "../platform/http/problem.ts";
import { createRouter, jsonContent } from "../platform/http/router.ts";
import { misconfiguredKey } from "./authenticate.ts";
import { keyRing } from "./keys.ts";

const jwksSchema = z
  .object({
    keys: z.array(
      z.looseObject({
        kty: z.string().openapi({ example: "OKP" }),
        kid: z.string(),
        alg: z.string().openapi({ example: "EdDSA" }),
        use: z.string().openapi({ example: "sig" }),
      }),
    ),
  })
  .openapi("Jwks");

const readJwks = createRoute({
  method: "get",
  path: "/.well-known/jwks.json",
  permission: null,
  tags: ["Accounts"],
  summary: "Public keys of the access tokens",
  description:
    "A key set (RFC 7517), by which another service can check our access tokens without asking us. A key that signs no more stays in it until its last token has expired.",
  responses: { 200: jsonContent(jwksSchema, "RFC 7517") },
});

/** GET /.well-known/jwks.json, at the root. */
export const jwksRoutes = createRouter(
  endpoint(readJwks, async (c) => {
    const keys = await keyRing(c.get("context").settings);
    if (keys.kind === "misconfigured") return problem(c, misconfiguredKey(keys.fault));
    const shown = [...keys.ring.accepted.values()].map(({ publicJwk, kid, algorithm }) => ({
      ...publicJwk,
      kty: publicJwk.kty ?? "",
      kid,
      alg: algorithm,
      use: "sig",
    }));
    return c.json({ keys: shown }, 200, { "Cache-Control": "public, max-age=300" });
  }),
);
