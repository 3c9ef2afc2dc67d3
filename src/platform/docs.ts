import { Hono } from "hono";
import type { AppEnv } from "./app-env.ts";
import type { describeApi, Product } from "./openapi.ts";
import { notFound, problem } from "./problem.ts";

/** Of swagger-ui-dist, which wrangler.toml binds as ASSETS, these and nothing else are served. */
const ASSETS = new Set(["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"]);
const DAY_SECONDS = 86_400;

/** The page runs, styles and asks what comes from here; Swagger UI's icons are `data:` URLs. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const page = (title: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<main id="reference"></main>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

/** A file of its own, since the page's policy allows no inline script. No validator: it would ask another host. */
const START_SCRIPT = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  validatorUrl: null,
});
`;

/**
 * What one finds at the root: the product, its OpenAPI document and a page to read it by.
 * @param elsewhere what else there is, by name: paths
 */
export function docsRoutes(
  product: Product,
  describe: ReturnType<typeof describeApi>,
  elsewhere: Record<string, string>,
) {
  const routes = new Hono<AppEnv>();

  routes.get("/", (c) => c.json({ ...product, docs: "/docs", openapi: "/openapi.json", ...elsewhere }));

  routes.get("/openapi.json", (c) =>
    c.json({ ...describe(), servers: [{ url: new URL(c.req.url).origin }] }),
  );

  routes.get("/docs", (c) => {
    c.header("Content-Security-Policy", PAGE_POLICY);
    return c.html(page(product.name));
  });

  routes.get("/docs/start.js", (c) =>
    c.body(START_SCRIPT, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  );

  routes.get("/docs/assets/:file", async (c) => {
    const file = c.req.param("file");
    if (!ASSETS.has(file)) return problem(c, notFound("file"));
    const asset = await c.env.ASSETS.fetch(new URL(`/${file}`, c.req.url), {
      headers: c.req.raw.headers.has("If-None-Match")
        ? { "If-None-Match": c.req.header("If-None-Match") ?? "" }
        : {},
    });
    const answer = new Response(asset.body, asset);
    answer.headers.set("Cache-Control", `public, max-age=${DAY_SECONDS}`);
    return answer;
  });

  return routes;
}
