import { proxyDurable } from "itty-durable";
import type { Context } from "../context.ts";
import { countOne } from "../counters.ts";
import { sha256 } from "../ids.ts";
import { describeError } from "../log.ts";
import { inTime } from "../patience.ts";
import type { Problem } from "../problem.ts";
import type { RateLimiterFace } from "./rate-limiter.ts";
import { type Take, type TakeAnswer, WINDOW_MS } from "./window.ts";

/** A limiter that has not answered by then is taken for broken. */
export const PATIENCE_MS = 1000;

/** The limits that there are: what each is called in headers, in the log and in metrics. */
export const LIMITS = ["orders", "suggestions", "requests"] as const;

/** How often a limiter was down and its party let through: a metric's name. Its label is `limiter`. */
export const LIMITER_UNAVAILABLE = "limiter_unavailable_total";

/** One party's allowance over a sliding window of 60 seconds. */
export interface Limit {
  name: (typeof LIMITS)[number];
  /** Whose window it is: `user:usr_…`, or `address:192.0.2.1`. */
  party: string;
  /** How many in any 60 seconds; 0 is off. */
  allowed: number;
  /** How many this request counts for. */
  cost: number;
  /** Twins and retries that carry the same id within the window count once. */
  hit?: string;
}

export type LimitOutcome =
  | { kind: "allowed"; headers: Record<string, string> }
  | { kind: "limited"; retryAfter: number; headers: Record<string, string> };

/**
 * Takes from an allowance: one call to the party's limiter, none when the limit is off. A limiter that is down or
 * slow lets through, and the log and a metric say so. The headers belong on the answer, whatever the outcome.
 */
export async function takeFrom(context: Context, limit: Limit): Promise<LimitOutcome> {
  if (limit.allowed === 0 || limit.cost === 0) return { kind: "allowed", headers: {} };
  let answer: TakeAnswer;
  try {
    answer = await inTime(askLimiter(context, limit), PATIENCE_MS);
  } catch (error) {
    return letThrough(context, limit.name, error);
  }
  const headers = limitHeaders(limit, answer);
  return answer.allowed
    ? { kind: "allowed", headers }
    : { kind: "limited", retryAfter: answer.retryAfter, headers };
}

/** What is broken limits nobody. The log and the metric say the same of every limiter: one thing to be woken by. */
export function letThrough(context: Context, limit: Limit["name"], error: unknown): LimitOutcome {
  context.log.warn("a rate limiter is broken: let through", { limit, error: describeError(error) });
  countOne(context, LIMITER_UNAVAILABLE, { limiter: limit });
  return { kind: "allowed", headers: {} };
}

/** The 429 of a limit that was met; send it with the outcome's headers. */
export const limitedProblem = (outcome: { retryAfter: number }): Problem => ({
  status: 429,
  code: "rate_limited",
  detail: `Too many requests: try again in ${outcome.retryAfter} seconds.`,
  retry_after: outcome.retryAfter,
});

/** draft-ietf-httpapi-ratelimit-headers: `q` the quota, `w` the window, `r` what remains, `t` when more comes back. */
function limitHeaders(limit: Limit, { allowed, remaining, retryAfter, reset }: TakeAnswer) {
  const headers: Record<string, string> = {
    "RateLimit-Policy": policyHeader(limit.name, limit.allowed),
    RateLimit: `"${limit.name}";r=${remaining};t=${allowed ? reset : retryAfter}`,
  };
  if (!allowed) headers["Retry-After"] = String(retryAfter);
  return headers;
}

export const policyHeader = (name: string, allowed: number): string =>
  `"${name}";q=${allowed};w=${WINDOW_MS / 1000}`;

/** itty-durable sends arguments in a header, which takes ASCII only: so names go in hashed. */
async function askLimiter({ env, clock }: Context, limit: Limit): Promise<TakeAnswer> {
  const now = clock.now();
  const [party, hit] = await Promise.all([
    sha256(limit.party),
    limit.hit === undefined ? undefined : sha256(limit.hit),
  ]);
  const take: Take = { now, allowed: limit.allowed, cost: limit.cost };
  if (hit !== undefined) take.id = hit.slice(0, 32);
  // Never a bare SHA-256: itty-durable takes 64 hex digits for an object's id.
  const limiter: RateLimiterFace = proxyDurable(env.RATE_LIMITER, { parse: true }).get(
    `${limit.name}:${party}`,
  );
  const answer: unknown = await limiter.take(take);
  if (!isAnswer(answer)) throw new Error(`the limiter answered ${JSON.stringify(answer)}`);
  return answer;
}

const isAnswer = (answer: unknown): answer is TakeAnswer =>
  typeof answer === "object" && answer !== null && "allowed" in answer && "retryAfter" in answer;
