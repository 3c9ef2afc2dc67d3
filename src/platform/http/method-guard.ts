import type { Hono, Context as HonoContext, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { TrieRouter } from "hono/router/trie-router";
import type { RouterRoute } from "hono/types";
import type { AppEnv, MatchedRoute } from "./app-env.ts";
import { DEFAULT_NEEDS, needsOf } from "./needs.ts";
import { problem } from "./problem.ts";

/**
 * Answers requests that no route handles, before their body is read: 404, or 405 with `Allow` if the path exists with
 * another method. Otherwise it sets `route`, from which the guards behind it know what the route needs. An entry for all
 * methods is middleware, not a route.
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
      // Each middleware of a route has an entry of its own. The handler's is the last, and the one with needs.
      const name = `${method} ${path}`;
      const route = byName.get(name) ?? { path, needs: DEFAULT_NEEDS };
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
    // Hono routes HEAD as GET. A path that equals a route's pattern needs no search.
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
