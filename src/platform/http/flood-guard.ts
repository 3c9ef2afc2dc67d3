import type { MiddlewareHandler } from "hono";
import type { Context } from "../context.ts";
import {
  failOpen,
  LIMITER_TIMEOUT_MS,
  type LimitOutcome,
  limitedProblem,
  policyHeader,
  takeFrom,
} from "../rate-limit/limit.ts";
import { DECLARED_LIMIT, DECLARED_PERIOD_SECONDS } from "../rate-limit/window.ts";
import { withTimeout } from "../timeout.ts";
import type { AppEnv } from "./app-env.ts";
import { problem } from "./problem.ts";

/**
 * Enforces `REQUESTS_PER_MINUTE` for each user, and for each address of guests. The limit that wrangler.toml declares is
 * counted by the binding: that takes no time, but it counts approximately and per location. Any other limit is counted
 * exactly, by one call to the RateLimiter a request. Both fail open.
 */
export const floodGuard: MiddlewareHandler<AppEnv> = async (c, next) => {
  const context = c.get("context");
  if (context.settings.REQUESTS_PER_MINUTE === 0) return next();
  const outcome = await count(context);
  if (outcome.kind === "limited") return problem(c, limitedProblem(outcome), outcome.headers);
  await next();
  // Appended, because the route may have set the headers of its own limit; each of these headers is a list.
  for (const [name, value] of Object.entries(outcome.headers)) c.header(name, value, { append: true });
};

async function count(context: Context): Promise<LimitOutcome> {
  const { actor, settings } = context;
  const allowed = settings.REQUESTS_PER_MINUTE;
  const party = actor.kind === "user" ? `user:${actor.userId}` : `address:${context.address}`;
  if (allowed !== DECLARED_LIMIT) return takeFrom(context, { name: "requests", party, allowed, cost: 1 });
  try {
    const { success } = await withTimeout(context.env.FLOOD_GUARD.limit({ key: party }), LIMITER_TIMEOUT_MS);
    if (success) return { kind: "allowed", headers: {} };
  } catch (error) {
    return failOpen(context, "requests", error);
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
