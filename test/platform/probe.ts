import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createRoute, z } from "@hono/zod-openapi";
import { createApp } from "../../src/app.ts";
import { jsonBody, jsonContent } from "../../src/platform/http/router.ts";
import { systemIds } from "../../src/platform/ids.ts";
import { testClock } from "../support/clock.ts";

/** The whole app, with a few routes besides that show what reaches a route and what leaves it. */
export function probeApp(settings: Record<string, unknown> = {}) {
  const app = createApp({
    clock: testClock,
    ids: systemIds,
    stock: { levels: async () => new Map(), open: async () => {} } as never,
  });

  const echo = z.looseObject({ name: z.string() });
  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/probe",
      summary: "Needs a body",
      request: { body: jsonBody(echo) },
      responses: { 200: jsonContent(echo, "What came") },
    }),
    (c) => c.json(c.req.valid("json"), 200),
  );
  app.openapi(
    createRoute({
      method: "post",
      path: "/api/v1/probe/{id}/cancel",
      summary: "Needs no body",
      request: {
        body: { content: { "application/json": { schema: z.object({ reason: z.string().optional() }) } } },
      },
      responses: { 200: jsonContent(z.object({}), "What came") },
    }),
    (c) => c.json(c.req.valid("json"), 200),
  );
  app.get("/api/v1/probe/:id", (c) => c.json({ id: c.req.param("id"), address: c.get("context").address }));
  app.get("/api/v1/broken", () => {
    throw broken.error;
  });

  return async (path: string, init: RequestInit = {}): Promise<Response> => {
    const execution = createExecutionContext();
    const request = new Request(`http://shop.test${path}`, init);
    const response = await app.fetch(request, { ...env, ...settings }, execution);
    await waitOnExecutionContext(execution);
    return response;
  };
}

/** What GET /api/v1/broken throws. */
export const broken = { error: new Error("secret detail") };

export const postJson = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": "application/json", ...headers },
  body: typeof body === "string" ? body : JSON.stringify(body),
});
