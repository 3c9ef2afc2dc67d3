import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { Settings } from "../settings.ts";
import type { AppEnv } from "./app-env.ts";

/** Pages that somebody develops on the same machine, at whatever port. */
const ON_THIS_MACHINE = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

const isAllowed = ({ CORS_ORIGINS, ENVIRONMENT }: Settings, origin: string): boolean =>
  CORS_ORIGINS.includes(origin) ||
  (CORS_ORIGINS.length === 0 && ENVIRONMENT === "development" && ON_THIS_MACHINE.test(origin));

const corsWith = (tokenHeaders: string[]) =>
  cors({
    origin: (origin, c: HonoContext<AppEnv>) => {
      const { settings } = c.get("context");
      if (settings.CORS_ORIGINS.includes("*")) return "*";
      return isAllowed(settings, origin) ? origin : null;
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
 * Lets pages of `CORS_ORIGINS` call the API (`*`: pages of any origin; in development those of this machine, if none is named). No cookies are used, so CORS credentials stay off.
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
