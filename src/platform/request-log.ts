import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { AppEnv } from "./app-env.ts";
import type { Clock } from "./clock.ts";
import type { Context } from "./context.ts";
import { createLog } from "./log.ts";
import { logProperties } from "./request-context.ts";

/** How often what memory answered is told of; milliseconds. */
const TOLD_EVERY = 1_000;

/**
 * One line for each answer. `route` is the pattern, not the path: no ids, and few enough to count by. What memory
 * answered did nothing that anyone could ask about later, and the line would cost more than all the rest of it: such
 * are counted by route and status, and told once a second. The count of an isolate's last second goes with it.
 */
export function logRequests(clock: Clock): MiddlewareHandler<AppEnv> {
  const repeated = new Map<string, { route: string | null; status: number; count: number }>();
  let since = 0;

  const count = (c: HonoContext<AppEnv>) => {
    const route = routeOf(c);
    const { status } = c.res;
    const name = `${status} ${route}`;
    const counted = repeated.get(name);
    if (counted) counted.count += 1;
    else repeated.set(name, { route, status, count: 1 });
  };

  const tell = (now: number) => {
    for (const counted of repeated.values()) {
      createLog().info("answered from memory", { ...counted, period_ms: now - since });
    }
    repeated.clear();
  };

  return async (c, next) => {
    const start = clock.now();
    await next();
    const now = clock.now();
    if (repeated.size > 0 && now - since >= TOLD_EVERY) tell(now);
    if (c.get("repeated")) {
      if (repeated.size === 0) since = now;
      return count(c);
    }
    // There is none when the settings are wrong, and on /health.
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

/** Not all routes stand behind the method guard. */
const routeOf = (c: HonoContext<AppEnv>): string | null =>
  c.get("route")?.path ?? matchedRoutes(c).find(({ method }) => method !== "ALL")?.path ?? null;
