import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Clock } from "../clock.ts";
import type { Context } from "../context.ts";
import { createLog } from "../log.ts";
import type { AppEnv } from "./app-env.ts";
import { logProperties } from "./request-context.ts";

/** How often the answers from memory are logged. */
const MEMORY_LOG_INTERVAL_MS = 1_000;

/**
 * Logs one line for each response. `route` is the pattern and not the path, so that there are few values to count by.
 * Answers from memory are only counted by route and status, and the counts logged once a second: they changed nothing, and
 * a line would cost more than all the rest of such an answer. The counts of an isolate's last second are lost with it.
 */
export function logRequests(clock: Clock): MiddlewareHandler<AppEnv> {
  const fromMemory = new Map<string, { route: string | null; status: number; count: number }>();
  let since = 0;

  const count = (c: HonoContext<AppEnv>) => {
    const route = routeOf(c);
    const { status } = c.res;
    const name = `${status} ${route}`;
    const counted = fromMemory.get(name);
    if (counted) counted.count += 1;
    else fromMemory.set(name, { route, status, count: 1 });
  };

  const logCounts = (now: number) => {
    for (const counted of fromMemory.values()) {
      createLog().info("answered from memory", { ...counted, period_ms: now - since });
    }
    fromMemory.clear();
  };

  return async (c, next) => {
    const start = clock.now();
    await next();
    const now = clock.now();
    if (fromMemory.size > 0 && now - since >= MEMORY_LOG_INTERVAL_MS) logCounts(now);
    if (c.get("fromMemory")) {
      if (fromMemory.size === 0) since = now;
      return count(c);
    }
    // Undefined when the settings are wrong, and on /health.
    const context: Context | undefined = c.get("context");
    const log = context?.log ?? createLog(logProperties(c.get("requestId"), c.req.header("traceparent")));
    log.info("answered", {
      method: c.req.method,
      route: routeOf(c),
      status: c.res.status,
      duration_ms: now - start,
      actor: context?.actor.name ?? null,
    });
  };
}

/** Some routes are not behind the method guard, which sets `route`. */
const routeOf = (c: HonoContext<AppEnv>): string | null =>
  c.get("route")?.path ?? matchedRoutes(c).find(({ method }) => method !== "ALL")?.path ?? null;
