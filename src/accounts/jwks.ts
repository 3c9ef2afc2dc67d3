import { createRouter } from "../platform/http.ts";

/** GET /.well-known/jwks.json, at the root. */
export const jwksRoutes = createRouter();
