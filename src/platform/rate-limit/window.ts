/** The length of every window. */
export const WINDOW_MS = 60_000;

/** What wrangler.toml declares for the `FLOOD_GUARD` binding, which takes its limit from nowhere else. */
export const DECLARED_LIMIT = 600;
export const DECLARED_PERIOD_SECONDS = 60;

/** What one request, or all nameless ones of one second, took. */
export interface Hit {
  /** When, in milliseconds since the epoch. */
  at: number;
  cost: number;
  /** What twins and retries have in common. */
  id?: string;
}

export interface Take {
  now: number;
  allowed: number;
  cost: number;
  id?: string;
}

export interface TakeAnswer {
  allowed: boolean;
  /** What is left in the window that ends now. */
  remaining: number;
  /** Whole seconds, 1 to 60, until this cost would be let through if nobody else took; 0 when it was. */
  retryAfter: number;
  /** Whole seconds until the oldest hit leaves and something comes back; 0 when the window is empty. */
  reset: number;
}

/** What still counts at `now`: a hit leaves when it is 60 seconds old. */
export const inWindow = (log: readonly Hit[], now: number): Hit[] =>
  log.filter((hit) => hit.at > now - WINDOW_MS);

/**
 * A sliding window log: allows a take when it and all of the last 60 seconds together stay within `allowed`. A take
 * refused leaves no trace, so asking again and again does not prolong the wait. Nameless takes of one second are
 * kept as one hit at the last one's time, so that a large allowance does not need a long log.
 * @param log oldest first
 */
export function slide(log: readonly Hit[], take: Take): { log: Hit[]; answer: TakeAnswer } {
  const kept = inWindow(log, take.now);
  if (take.id !== undefined && kept.some((hit) => hit.id === take.id)) {
    return { log: kept, answer: answerOf(kept, take, true) };
  }
  if (costOf(kept) + take.cost > take.allowed) return { log: kept, answer: answerOf(kept, take, false) };
  const taken = record(kept, take);
  return { log: taken, answer: answerOf(taken, take, true) };
}

const costOf = (log: readonly Hit[]): number => log.reduce((sum, hit) => sum + hit.cost, 0);

function record(log: readonly Hit[], { now, cost, id }: Take): Hit[] {
  const last = log.at(-1);
  // Callers' clocks may differ a little: the log stays in order.
  const at = Math.max(now, last?.at ?? now);
  if (last && last.id === undefined && id === undefined && sameSecond(last.at, at)) {
    return [...log.slice(0, -1), { at, cost: last.cost + cost }];
  }
  return [...log, id === undefined ? { at, cost } : { at, cost, id }];
}

const sameSecond = (a: number, b: number): boolean => Math.floor(a / 1000) === Math.floor(b / 1000);

function answerOf(log: readonly Hit[], take: Take, allowed: boolean): TakeAnswer {
  const oldest = log[0];
  return {
    allowed,
    remaining: Math.max(0, take.allowed - costOf(log)),
    retryAfter: allowed ? 0 : secondsUntil(freeAt(log, take), take.now),
    reset: oldest ? secondsUntil(oldest.at + WINDOW_MS, take.now) : 0,
  };
}

/** When so much of the log has left that the take fits. What never fits is told the longest wait. */
function freeAt(log: readonly Hit[], { now, allowed, cost }: Take): number {
  let used = costOf(log);
  for (const hit of log) {
    used -= hit.cost;
    if (used + cost <= allowed) return hit.at + WINDOW_MS;
  }
  return now + WINDOW_MS;
}

const secondsUntil = (then: number, now: number): number =>
  Math.min(WINDOW_MS / 1000, Math.max(1, Math.ceil((then - now) / 1000)));
