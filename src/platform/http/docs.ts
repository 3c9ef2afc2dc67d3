import { Hono } from "hono";
import type { AppEnv } from "./app-env.ts";
import { ERRORS_POLICY, ERRORS_STYLE, errorsPage, pagePolicy } from "./errors-page.ts";
import type { describeApi, Product } from "./openapi.ts";
import { ERRORS_PAGE, notFound, problem } from "./problem.ts";

/** The only files that are served of swagger-ui-dist, which wrangler.toml binds as ASSETS. */
const ASSETS = new Set(["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"]);
const DAY_SECONDS = 86_400;

/** `data:` is for Swagger UI's icons. */
const PAGE_POLICY = pagePolicy("script-src 'self'", "img-src 'self' data:", "connect-src 'self'");

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

/** Its own file, because the page's policy allows no inline script. The validator is off: it would call another host. */
const START_SCRIPT = `SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  validatorUrl: null,
});
`;

/**
 * The routes at the root: the product's name, its OpenAPI document and a page that shows it.
 * @param links other paths to list at the root, by name
 */
export function docsRoutes(
  product: Product,
  describe: ReturnType<typeof describeApi>,
  links: Record<string, string>,
) {
  const routes = new Hono<AppEnv>();

  routes.get("/", (c) => c.json({ ...product, docs: "/docs", openapi: "/openapi.json", ...links }));

  routes.get("/openapi.json", (c) =>
    c.json({ ...describe(), servers: [{ url: new URL(c.req.url).origin }] }),
  );

  routes.get("/docs", (c) => {
    c.header("Content-Security-Policy", PAGE_POLICY);
    return c.html(page(product.name));
  });

  routes.get(ERRORS_PAGE, (c) => {
    c.header("Content-Security-Policy", ERRORS_POLICY);
    return c.html(errorsPage(product.name));
  });

  routes.get("/docs/errors.css", (c) =>
    c.body(ERRORS_STYLE, 200, { "Content-Type": "text/css; charset=utf-8" }),
  );

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
