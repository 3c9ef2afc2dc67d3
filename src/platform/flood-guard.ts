import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";
import type { Context } from "./context.ts";
import { inTime } from "./patience.ts";
import { problem } from "./problem.ts";
import {
  type LimitOutcome,
  letThrough,
  limitedProblem,
  PATIENCE_MS,
  policyHeader,
  takeFrom,
} from "./rate-limit/limit.ts";
import { DECLARED_LIMIT, DECLARED_PERIOD_SECONDS } from "./rate-limit/window.ts";

/**
 * `REQUESTS_PER_MINUTE` for each user, or address of guests. At the declared limit the binding counts: it costs
 * nothing and no time, but counts per location and approximately. Any other limit is counted exactly, by one call to
 * the RateLimiter a request. Either lets through when it is broken.
 */
export const floodGuard: MiddlewareHandler<AppEnv> = async (c, next) => {
  const context = c.get("context");
  if (context.settings.REQUESTS_PER_MINUTE === 0) return next();
  const outcome = await count(context);
  if (outcome.kind === "limited") return problem(c, limitedProblem(outcome), outcome.headers);
  await next();
  // A route may have its own limit on the answer already: both are lists.
  for (const [name, value] of Object.entries(outcome.headers)) c.header(name, value, { append: true });
};

async function count(context: Context): Promise<LimitOutcome> {
  const { actor, settings } = context;
  const allowed = settings.REQUESTS_PER_MINUTE;
  const party = actor.kind === "user" ? `user:${actor.userId}` : `address:${context.address}`;
  if (allowed !== DECLARED_LIMIT) return takeFrom(context, { name: "requests", party, allowed, cost: 1 });
  try {
    const { success } = await inTime(context.env.FLOOD_GUARD.limit({ key: party }), PATIENCE_MS);
    if (success) return { kind: "allowed", headers: {} };
  } catch (error) {
    return letThrough(context, "requests", error);
  }
  return {
    kind: "limited",
    retryAfter: DECLARED_PERIOD_SECONDS,
    headers: {
      "RateLimit-Policy": policyHeader("requests", DECLARED_LIMIT),
      RateLimit: `"requests";r=0;t=${DECLARED_PERIOD_SECONDS}`,
      "Retry-After": String(DECLARED_PERIOD_SECONDS),
    },
  };
}
