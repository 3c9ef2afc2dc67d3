import type { Hono, Context as HonoContext, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { TrieRouter } from "hono/router/trie-router";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

/**
 * Answers what no route can before its body is read: 404 where nothing is, 405 with `Allow` where another method
 * would have been right. Middleware is registered for all methods, and so does not count as a route.
 */
export function methodGuard(app: Pick<Hono<AppEnv>, "routes">): MiddlewareHandler<AppEnv> {
  let known: { fixed: Set<string>; router: TrieRouter<string>; methods: string[] } | undefined;

  const learn = () => {
    const routes = app.routes.filter(({ method }) => method !== "ALL");
    const router = new TrieRouter<string>();
    for (const { method, path } of routes) router.add(method, path, path);
    return {
      fixed: new Set(routes.map(({ method, path }) => `${method} ${path}`)),
      router,
      methods: [...new Set(routes.map(({ method }) => method))].sort(),
    };
  };

  return async (c, next) => {
    known ??= learn();
    const { fixed, router, methods } = known;
    const { path } = c.req;
    // A HEAD is routed as a GET. A path that is a route's pattern to the letter needs no search.
    const asked = c.req.method === "HEAD" ? "GET" : c.req.method;
    const route = fixed.has(`${asked} ${path}`) ? path : routeOf(c);
    if (route !== undefined) {
      c.set("route", route);
      return next();
    }
    const matches = (method: string) => router.match(method, path)[0].length > 0;
    const allowed = methods.filter(matches);
    if (allowed.length === 0) return c.notFound();
    const allow = (allowed.includes("GET") ? [...allowed, "HEAD"] : allowed).join(", ");
    const detail = `${c.req.method} is not offered here, but ${allow}.`;
    return problem(c, { status: 405, code: "method_not_allowed", detail }, { Allow: allow });
  };
}

const routeOf = (c: HonoContext<AppEnv>): string | undefined =>
  matchedRoutes(c).find(({ method }) => method !== "ALL")?.path;
