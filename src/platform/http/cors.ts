import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { AppEnv } from "./app-env.ts";

const corsWith = (tokenHeaders: string[]) =>
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
 * Lets pages of `CORS_ORIGINS` call the API (`*`: pages of any origin). No cookies are used, so CORS credentials stay off.
 * A request without `Origin` gets no CORS headers, only `Vary`, so that caches keep the two kinds of answers apart.
 * @param tokenHeaders the headers, besides `Authorization`, in which a token may be sent
 */
export function crossOrigin(tokenHeaders: string[]): MiddlewareHandler<AppEnv> {
  const answer = corsWith(tokenHeaders);
  return async (c, next) => {
    if (c.req.header("Origin") !== undefined || c.req.method === "OPTIONS") return answer(c, next);
    await next();
    c.res.headers.append("Vary", "Origin");
  };
}
