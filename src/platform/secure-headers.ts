import { secureHeaders } from "hono/secure-headers";

/** For JSON, which no browser should render, frame or run anything of. A page's own policy is kept. */
export const apiHeaders = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  // What pages of other origins may read is decided by CORS.
  crossOriginResourcePolicy: "cross-origin",
  xFrameOptions: "DENY",
  overwrite: false,
});
