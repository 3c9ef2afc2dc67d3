import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { AppEnv } from "./app-env.ts";
import type { Clock } from "./clock.ts";
import type { Context as OperationContext } from "./context.ts";
import { createLog } from "./log.ts";
import { logProperties } from "./request-identity.ts";

/** One line for each answer. `route` is the pattern, not the path: no ids, and few enough to count by. */
export function logRequests(clock: Clock): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const start = clock.now();
    await next();
    // There is none when the settings are wrong, and on /health.
    const operation: OperationContext | undefined = c.get("operation");
    const log = operation?.log ?? createLog(logProperties(c.get("requestId"), c.req.header("traceparent")));
    log.info("answered", {
      method: c.req.method,
      route: matchedRoutes(c).find(({ method }) => method !== "ALL")?.path ?? null,
      status: c.res.status,
      duration_ms: clock.now() - start,
      actor: operation?.actor.name ?? null,
    });
  };
}
