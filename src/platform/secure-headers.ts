import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";

/**
 * For JSON, which no browser should render, frame or run anything of, and which nobody keeps unless its route says so:
 * a guest's order is guarded by a header of ours, which no cache knows for a credential. Headers that only browsers of
 * long ago heeded are left out: of a small answer, headers are half the cost.
 */
export const API_HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  // What pages of other origins may read is decided by CORS.
  "Cross-Origin-Resource-Policy": "cross-origin",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=15552000; includeSubDomains",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

const PAIRS = Object.entries(API_HEADERS);

/** On every answer, where it says nothing else of its own: a page has its own policy. */
export const apiHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  // What memory had has them already.
  if (c.get("repeated")) return;
  const { headers } = c.res;
  for (const [name, value] of PAIRS) if (!headers.has(name)) headers.set(name, value);
};
