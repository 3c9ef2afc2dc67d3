import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";

/**
 * For JSON, which no browser should render, frame or execute. No cache may keep it unless its route says so: a guest's
 * order is protected by a header of our own, which caches do not know as a credential. Headers that only old browsers used
 * are left out, because headers are half the cost of a small answer.
 */
export const API_HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  // CORS decides what pages of other origins may read.
  "Cross-Origin-Resource-Policy": "cross-origin",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=15552000; includeSubDomains",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

const PAIRS = Object.entries(API_HEADERS);

/** Sets these headers on every response that does not have its own: the page of the docs has its own policy. */
export const apiHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  // An answer from memory has them already.
  if (c.get("fromMemory")) return;
  const { headers } = c.res;
  for (const [name, value] of PAIRS) if (!headers.has(name)) headers.set(name, value);
};
