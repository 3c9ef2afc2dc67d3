import type { Context as HonoContext } from "hono";
import { cors } from "hono/cors";
import type { AppEnv } from "./app-env.ts";

/** Lets pages of `CORS_ORIGINS` call the API (`*`: of anywhere). No cookies are involved, so no credentials. */
export const crossOrigin = cors({
  origin: (origin, c: HonoContext<AppEnv>) => {
    const allowed = c.get("operation").settings.CORS_ORIGINS;
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
    "X-Order-Token",
    "X-Cart-Token",
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
