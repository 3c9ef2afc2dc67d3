import { proxyDurable } from "itty-durable";
import type { Context } from "../context.ts";
import { incrementCounter } from "../counters.ts";
import type { Problem } from "../http/problem.ts";
import { sha256 } from "../ids.ts";
import { describeError } from "../log.ts";
import { withTimeout } from "../timeout.ts";
import type { RateLimiterApi } from "./rate-limiter.ts";
import { type Take, type TakeAnswer, WINDOW_MS } from "./window.ts";

/** If a limiter has not answered by then, the request passes. */
export const LIMITER_TIMEOUT_MS = 1_000;

/** The names of all limits, in headers, in the log and in metrics. */
export const LIMITS = [
  "orders",
  "suggestions",
  "lookups",
  "registrations",
  "sign_ins",
  "webhooks",
  "requests",
] as const;

/** The metric that counts how often a request passed because its limiter was down. Its label is `limiter`. */
export const LIMITER_UNAVAILABLE = "limiter_unavailable_total";

/** The limit of one party over a sliding window. */
export interface Limit {
  name: (typeof LIMITS)[number];
  /** Who is limited: `user:usr_…`, or `address:192.0.2.1`. */
  party: string;
  /** How many in any window; 0 switches the limit off. */
  allowed: number;
  /** How many this request counts for. */
  cost: number;
  /** How long the window is, always the same for one name; 60 seconds where it is not said. */
  windowMs?: number;
  /** Requests with the same id within the window (twins and retries) count once. */
  hit?: string;
}

export type LimitOutcome =
  | { kind: "allowed"; headers: Record<string, string> }
  | { kind: "limited"; retryAfter: number; headers: Record<string, string> };

/**
 * Counts a request against its limit: one call to the party's limiter, none when the limit is off. If the limiter is down
 * or slow, the request passes (fails open), and the log and a metric record it. The headers belong on the response
 * whatever the outcome.
 */
export async function takeFrom(context: Context, limit: Limit): Promise<LimitOutcome> {
  if (limit.allowed === 0 || limit.cost === 0) return { kind: "allowed", headers: {} };
  let answer: TakeAnswer;
  try {
    answer = await withTimeout(askLimiter(context, limit), LIMITER_TIMEOUT_MS);
  } catch (error) {
    return failOpen(context, limit.name, error);
  }
  const headers = limitHeaders(limit, answer);
  return answer.allowed
    ? { kind: "allowed", headers }
    : { kind: "limited", retryAfter: answer.retryAfter, headers };
}

/**
 * Counts a request against several limits at once, of the address and of the account or mailbox that it is about: it passes
 * where each lets it pass. What one counted stays counted where another refuses. The headers are those of the limit that
 * refuses for longest, or of the first that is on.
 */
export async function takeFromAll(context: Context, limits: readonly Limit[]): Promise<LimitOutcome> {
  const on = limits.filter(({ allowed, cost }) => allowed > 0 && cost > 0);
  const [first = FREE, ...rest] = await Promise.all(on.map((limit) => takeFrom(context, limit)));
  return rest.reduce((worst, outcome) => (waitOf(outcome) > waitOf(worst) ? outcome : worst), first);
}

const FREE: LimitOutcome = { kind: "allowed", headers: {} };

const waitOf = (outcome: LimitOutcome): number => (outcome.kind === "limited" ? outcome.retryAfter : 0);

/** Lets a request pass whose limiter is broken. All limiters use one log message and metric, so that one alert is enough. */
export function failOpen(context: Context, limit: Limit["name"], error: unknown): LimitOutcome {
  context.log.warn("a rate limiter is broken: let through", { limit, error: describeError(error) });
  incrementCounter(context, LIMITER_UNAVAILABLE, { limiter: limit });
  return { kind: "allowed", headers: {} };
}

/** The 429 of a limit that is used up; send it with the outcome's headers. */
export const limitedProblem = (outcome: { retryAfter: number }): Problem => ({
  status: 429,
  code: "rate_limited",
  detail: `Too many requests: try again in ${outcome.retryAfter} seconds.`,
  retry_after: outcome.retryAfter,
});

/** draft-ietf-httpapi-ratelimit-headers: `q` the quota, `w` the window, `r` what remains, `t` when more comes back. */
function limitHeaders(limit: Limit, { allowed, remaining, retryAfter, reset }: TakeAnswer) {
  const headers: Record<string, string> = {
    "RateLimit-Policy": policyHeader(limit.name, limit.allowed, limit.windowMs),
    RateLimit: `"${limit.name}";r=${remaining};t=${allowed ? reset : retryAfter}`,
  };
  if (!allowed) headers["Retry-After"] = String(retryAfter);
  return headers;
}

export const policyHeader = (name: string, allowed: number, windowMs = WINDOW_MS): string =>
  `"${name}";q=${allowed};w=${windowMs / 1000}`;

/** The party is hashed, because itty-durable sends arguments in a header, which takes ASCII only. */
async function askLimiter({ env, clock }: Context, limit: Limit): Promise<TakeAnswer> {
  const now = clock.now();
  const [party, hit] = await Promise.all([
    sha256(limit.party),
    limit.hit === undefined ? undefined : sha256(limit.hit),
  ]);
  const take: Take = { now, allowed: limit.allowed, cost: limit.cost };
  if (limit.windowMs !== undefined) take.windowMs = limit.windowMs;
  if (hit !== undefined) take.id = hit.slice(0, 32);
  const answer: unknown = await limiterAt(env, `${limit.name}:${party}`).take(take);
  if (!isAnswer(answer)) throw new Error(`the limiter answered ${JSON.stringify(answer)}`);
  return answer;
}

/** @param name not a bare SHA-256: itty-durable takes 64 hex digits for the id of an object */
export const limiterAt = (env: Cloudflare.Env, name: string): RateLimiterApi =>
  proxyDurable(env.RATE_LIMITER, { parse: true }).get(name);

const isAnswer = (answer: unknown): answer is TakeAnswer =>
  typeof answer === "object" && answer !== null && "allowed" in answer && "retryAfter" in answer;
