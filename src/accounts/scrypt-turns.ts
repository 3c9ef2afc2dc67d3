import type { Context } from "../platform/context.ts";
import { isolateOf } from "../platform/joined-check.ts";

/** So many computations may follow at once on a quiet time; then one in each interval. */
const AT_ONCE = 2;
/**
 * A Worker computes scrypt on the thread on which it answers everything else, some 150 ms each: then no other request of
 * the isolate goes on. By this interval it is free for the others most of the time, however many want to sign in.
 */
const INTERVAL_MS = 500;
const MOST_WAITING = 8;
const LOOK_AGAIN_MS = 50;
/** Whoever has not looked for so long was cut off while it waited. */
const GONE_MS = 2_000;

/** The turns of an isolate. */
interface Turns {
  left: number;
  /** Up to when `left` was filled up. */
  at: number;
  /** Who waits, the first first, with when they last looked. */
  waiting: Map<symbol, number>;
}

/** By environment, of which an isolate has one. */
const turnsOf = new WeakMap<object, Turns>();

export type InTurn<T> = { kind: "computed"; value: T } | TooManyAtOnce;

/** Too many passwords were to be hashed at once. */
export interface TooManyAtOnce {
  kind: "too_many_at_once";
  /** Seconds. */
  retryAfter: number;
}

/**
 * Computes when it is its turn: at most two scrypts of an isolate at once, then two in a second; the rest wait in a queue of
 * eight, and more are refused. Whoever waits looks again and again, since a promise that one request makes for another
 * would be lost with it.
 */
export async function inTurn<T>(
  { env, clock }: Pick<Context, "env" | "clock">,
  compute: () => Promise<T>,
): Promise<InTurn<T>> {
  const turns = turnsOf.get(isolateOf(env)) ?? { left: AT_ONCE, at: clock.now(), waiting: new Map() };
  turnsOf.set(isolateOf(env), turns);
  const me = Symbol();
  forgetGone(turns, clock.now());
  if (turns.waiting.size >= MOST_WAITING) {
    return { kind: "too_many_at_once", retryAfter: Math.ceil((MOST_WAITING * INTERVAL_MS) / 1_000) };
  }
  turns.waiting.set(me, clock.now());
  while (!isTurnOf(me, turns, clock.now())) {
    await clock.sleep(LOOK_AGAIN_MS);
    turns.waiting.set(me, clock.now());
    forgetGone(turns, clock.now());
  }
  turns.waiting.delete(me);
  turns.left -= 1;
  return { kind: "computed", value: await compute() };
}

function isTurnOf(me: symbol, turns: Turns, now: number): boolean {
  // A clock may be set back: nobody waits until it is where it was.
  turns.at = Math.min(turns.at, now);
  const more = Math.floor((now - turns.at) / INTERVAL_MS);
  if (more > 0) {
    turns.left = Math.min(AT_ONCE, turns.left + more);
    turns.at = turns.left === AT_ONCE ? now : turns.at + more * INTERVAL_MS;
  }
  const [first] = turns.waiting.keys();
  return turns.left > 0 && first === me;
}

function forgetGone({ waiting }: Turns, now: number): void {
  for (const [who, seen] of waiting) if (Math.abs(now - seen) > GONE_MS) waiting.delete(who);
}
