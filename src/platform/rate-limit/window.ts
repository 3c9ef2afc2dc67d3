/** The length of a window of which nothing else is said. */
export const WINDOW_MS = 60_000;

/** The same numbers as in wrangler.toml, the only place from which the bindings `FLOOD_GUARD` and `WEBHOOK_GUARD` take their limits. */
export const DECLARED_LIMITS = { requests: 600, webhooks: 6_000 };
export const DECLARED_PERIOD_SECONDS = 60;

/** One request, or all requests without an id of one second. */
export interface Hit {
  /** When, in milliseconds since the epoch. */
  at: number;
  cost: number;
  /** The same for twins and retries. */
  id?: string;
}

export interface Take {
  now: number;
  allowed: number;
  cost: number;
  id?: string;
  /** How long the window is; `WINDOW_MS` where it is not said. */
  windowMs?: number;
}

export interface TakeAnswer {
  allowed: boolean;
  /** How many more may be taken in the window that ends now. */
  remaining: number;
  /** Whole seconds, 1 to those of the window, until this take would be allowed if there were no other; 0 when it was allowed. */
  retryAfter: number;
  /** Whole seconds until the oldest hit leaves the window; 0 when the window is empty. */
  reset: number;
}

/** The hits that still count at `now`. */
export const inWindow = (log: readonly Hit[], now: number, windowMs = WINDOW_MS): Hit[] =>
  log.filter((hit) => hit.at > now - windowMs);

/**
 * A sliding window log: a take is allowed if it and all hits of the window together stay within `allowed`. A
 * refused take is not recorded, so asking again and again does not prolong the wait. Takes without an id within one second
 * are merged into one hit at the time of the last, so that a large limit does not need a long log.
 * @param log oldest first
 */
export function slide(log: readonly Hit[], take: Take): { log: Hit[]; answer: TakeAnswer } {
  const kept = inWindow(log, take.now, take.windowMs);
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
  // The callers' clocks may differ a little, and the log must stay in order.
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
    retryAfter: allowed ? 0 : secondsUntil(freeAt(log, take), take),
    reset: oldest ? secondsUntil(oldest.at + lengthOf(take), take) : 0,
  };
}

/** When enough hits will have left that the take fits. A take that never fits gets the longest wait. */
function freeAt(log: readonly Hit[], take: Take): number {
  const { now, allowed, cost } = take;
  let used = costOf(log);
  for (const hit of log) {
    used -= hit.cost;
    if (used + cost <= allowed) return hit.at + lengthOf(take);
  }
  return now + lengthOf(take);
}

const lengthOf = ({ windowMs = WINDOW_MS }: Take): number => windowMs;

const secondsUntil = (then: number, take: Take): number =>
  Math.min(lengthOf(take) / 1000, Math.max(1, Math.ceil((then - take.now) / 1000)));
