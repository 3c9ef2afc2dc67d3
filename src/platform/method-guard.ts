import type { Hono, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { TrieRouter } from "hono/router/trie-router";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

/**
 * Answers what no route can before its body is read: 404 where nothing is, 405 with `Allow` where another method
 * would have been right. Middleware is registered for all methods, and so does not count as a route.
 */
export function methodGuard(app: Pick<Hono<AppEnv>, "routes">): MiddlewareHandler<AppEnv> {
  let known: { router: TrieRouter<string>; methods: string[] } | undefined;

  const learn = () => {
    const routes = app.routes.filter(({ method }) => method !== "ALL");
    const router = new TrieRouter<string>();
    for (const { method, path } of routes) router.add(method, path, path);
    return { router, methods: [...new Set(routes.map(({ method }) => method))].sort() };
  };

  return async (c, next) => {
    const route = matchedRoutes(c).find(({ method }) => method !== "ALL");
    if (route) {
      c.set("route", route.path);
      return next();
    }
    known ??= learn();
    const { router, methods } = known;
    const matches = (method: string) => router.match(method, c.req.path)[0].length > 0;
    const allowed = methods.filter(matches);
    if (allowed.length === 0) return c.notFound();
    const allow = (allowed.includes("GET") ? [...allowed, "HEAD"] : allowed).join(", ");
    const detail = `${c.req.method} is not offered here, but ${allow}.`;
    return problem(c, { status: 405, code: "method_not_allowed", detail }, { Allow: allow });
  };
}
