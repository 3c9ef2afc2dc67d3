import type { Hono, Context as HonoContext, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { TrieRouter } from "hono/router/trie-router";
import type { RouterRoute } from "hono/types";
import type { AppEnv, MatchedRoute } from "./app-env.ts";
import { needsOf, USUAL } from "./needs.ts";
import { problem } from "./problem.ts";

/**
 * Answers what no route can before its body is read: 404 where nothing is, 405 with `Allow` where another method
 * would have been right. Middleware is registered for all methods, and so does not count as a route. The guards behind
 * this one are told which route it is, and by that what it needs.
 */
export function methodGuard(app: Pick<Hono<AppEnv>, "routes">): MiddlewareHandler<AppEnv> {
  let known: ReturnType<typeof learn> | undefined;

  const learn = () => {
    const routes = app.routes.filter(({ method }) => method !== "ALL");
    const router = new TrieRouter<string>();
    const byName = new Map<string, MatchedRoute>();
    const byEntry = new Map<RouterRoute, MatchedRoute>();
    for (const entry of routes) {
      const { method, path, handler } = entry;
      router.add(method, path, path);
      // A route has an entry for each of its middleware, too; its handler comes last, and is what has needs.
      const name = `${method} ${path}`;
      const route = byName.get(name) ?? { path, needs: USUAL };
      route.needs = needsOf(handler) ?? route.needs;
      byName.set(name, route);
      byEntry.set(entry, route);
    }
    return {
      byName,
      byEntry,
      router,
      methods: [...new Set(routes.map(({ method }) => method))].sort(),
    };
  };

  return async (c, next) => {
    known ??= learn();
    const { byName, byEntry, router, methods } = known;
    const { path } = c.req;
    // A HEAD is routed as a GET. A path that is a route's pattern to the letter needs no search.
    const asked = c.req.method === "HEAD" ? "GET" : c.req.method;
    const route = byName.get(`${asked} ${path}`) ?? findRoute(c, byEntry);
    if (route) {
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

function findRoute(
  c: HonoContext<AppEnv>,
  byEntry: Map<RouterRoute, MatchedRoute>,
): MatchedRoute | undefined {
  const entry = matchedRoutes(c).find(({ method }) => method !== "ALL");
  return entry && byEntry.get(entry);
}
