import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { AppEnv } from "./app-env.ts";

const letPagesCall = (tokenHeaders: string[]) =>
  cors({
    origin: (origin, c: HonoContext<AppEnv>) => {
      const allowed = c.get("context").settings.CORS_ORIGINS;
      if (allowed.includes("*")) return "*";
      return allowed.includes(origin) ? origin : null;
    },
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: [
      "Authorization",
      "Content-Type",
      "Idempotency-Key",
      "If-Match",
      "If-None-Match",
      "Last-Event-ID",
      ...tokenHeaders,
      "X-Request-Id",
      "traceparent",
    ],
    exposeHeaders: [
      "ETag",
      "Location",
      "RateLimit",
      "RateLimit-Policy",
      "Retry-After",
      "X-Request-Id",
      "Idempotency-Replayed",
    ],
    maxAge: 600,
  });

/**
 * Lets pages of `CORS_ORIGINS` call the API (`*`: of anywhere). No cookies are involved, so no credentials. What no page
 * of another origin asked for needs no word of it, but a cache must know that there is one.
 * @param tokenHeaders the headers, besides the usual ones, that a token may come in
 */
export function crossOrigin(tokenHeaders: string[]): MiddlewareHandler<AppEnv> {
  const called = letPagesCall(tokenHeaders);
  return async (c, next) => {
    if (c.req.header("Origin") !== undefined || c.req.method === "OPTIONS") return called(c, next);
    await next();
    c.res.headers.append("Vary", "Origin");
  };
}
