import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";

/** For JSON, which no browser should render, frame or run anything of. A page's own policy is kept. */
export const apiHeaders = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  // What pages of other origins may read is decided by CORS.
  crossOriginResourcePolicy: "cross-origin",
  xFrameOptions: "DENY",
  overwrite: false,
});

/**
 * Nobody keeps an answer unless its route says so: a guest's order is guarded by a header of ours, which no cache knows
 * for a credential.
 */
export const notStored: MiddlewareHandler = async (c, next) => {
  await next();
  if (!c.res.headers.has("Cache-Control")) c.header("Cache-Control", "no-store");
};
