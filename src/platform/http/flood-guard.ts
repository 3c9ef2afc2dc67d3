import type { MiddlewareHandler } from "hono";
import type { Context } from "../context.ts";
import {
  failOpen,
  LIMITER_TIMEOUT_MS,
  type Limit,
  type LimitOutcome,
  limitedProblem,
  policyHeader,
  takeFrom,
} from "../rate-limit/limit.ts";
import { DECLARED_LIMITS, DECLARED_PERIOD_SECONDS } from "../rate-limit/window.ts";
import { withTimeout } from "../timeout.ts";
import type { AppEnv } from "./app-env.ts";
import { isKnownKey } from "./known-keys.ts";
import { problem } from "./problem.ts";

/**
 * Enforces `REQUESTS_PER_MINUTE` for each user, and for each address of guests, whatever they ask for; webhooks are counted
 * apart, by `WEBHOOKS_PER_MINUTE`. A limit that wrangler.toml declares is counted by its binding: that takes no time, but it
 * counts approximately and per location. Any other limit is counted exactly, by one call to the RateLimiter a request. Both
 * fail open. While settings are wrong nothing is counted.
 * @param webhooks the path below which they are
 */
export const floodGuard =
  (webhooks: string): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const context: Context | undefined = c.get("context");
    if (!context) return next();
    const name = c.req.path.startsWith(webhooks) ? "webhooks" : "requests";
    const flood = floodOf(context, name, c.get("apiKey"));
    if (flood.allowed === 0) return next();
    const outcome = await count(context, flood);
    if (outcome.kind === "limited") return problem(c, limitedProblem(outcome), outcome.headers);
    await next();
    // Appended, because the route may have set the headers of its own limit; each of these headers is a list.
    for (const [name, value] of Object.entries(outcome.headers)) c.header(name, value, { append: true });
  };

type Flood = Limit & { name: "requests" | "webhooks" };

function floodOf({ actor, env, settings, address }: Context, name: Flood["name"], apiKey?: string): Flood {
  const party =
    actor.kind === "user"
      ? `user:${actor.userId}`
      : apiKey !== undefined && isKnownKey(env, apiKey)
        ? `key:${apiKey.slice(0, 32)}`
        : `address:${address}`;
  const allowed = name === "webhooks" ? settings.WEBHOOKS_PER_MINUTE : settings.REQUESTS_PER_MINUTE;
  return { name, party, allowed, cost: 1 };
}

async function count(context: Context, flood: Flood): Promise<LimitOutcome> {
  const { name, party: key, allowed } = flood;
  const declared = DECLARED_LIMITS[name];
  if (allowed !== declared) return takeFrom(context, flood);
  const { FLOOD_GUARD, WEBHOOK_GUARD } = context.env;
  const binding = name === "webhooks" ? WEBHOOK_GUARD : FLOOD_GUARD;
  try {
    const { success } = await withTimeout(binding.limit({ key }), LIMITER_TIMEOUT_MS);
    if (success) return { kind: "allowed", headers: {} };
  } catch (error) {
    return failOpen(context, name, error);
  }
  return {
    kind: "limited",
    retryAfter: DECLARED_PERIOD_SECONDS,
    headers: {
      "RateLimit-Policy": policyHeader(name, declared),
      RateLimit: `"${name}";r=0;t=${DECLARED_PERIOD_SECONDS}`,
      "Retry-After": String(DECLARED_PERIOD_SECONDS),
    },
  };
}
