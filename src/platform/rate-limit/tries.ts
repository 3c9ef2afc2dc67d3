/**
 * Tries at a secret, of which too many wrong ones make the next wait: a second, then two, four, and so on. A try counts as
 * wrong as soon as it is made, and is taken back when it was right, so that many at once are not all let through.
 */
export interface Tries {
  /** By who tried, hashed. */
  own: Record<string, Wrong>;
  /** Of all who are strangers here. */
  strangers: Wrong;
  /** Who was right once, and when. Strangers' tries do not make them wait. */
  known: Record<string, number>;
  /** When the wrong tries began that the owner was told of; null when of none. */
  toldOf: number | null;
}

interface Wrong {
  count: number;
  first: number;
  last: number;
}

export interface Try {
  now: number;
  from: string;
  /** How many wrong ones one party has without a wait. */
  freeOwn: number;
  /** How many strangers have together; 0: they are not counted together. */
  freeTogether: number;
}

export type TryAnswer =
  | { kind: "wait"; seconds: number }
  /** @property tellOf when the wrong tries began, where the owner should be told and was not yet */
  | { kind: "go_on"; known: boolean; tellOf: number | null };

/** The longest wait of one party, and of all strangers together: nobody is locked out for ever by what others do. */
export const LONGEST_WAIT_MS = 15 * 60_000;
export const LONGEST_WAIT_TOGETHER_MS = 60_000;
/** So long after the last wrong try they are all forgotten. */
export const FORGET_MS = 60 * 60_000;
export const KNOWN_MS = 90 * 24 * 60 * 60_000;
const MOST_OWN = 200;
const MOST_KNOWN = 20;

const NONE: Wrong = { count: 0, first: 0, last: 0 };

export const NO_TRIES: Tries = { own: {}, strangers: NONE, known: {}, toldOf: null };

/** @returns how long after the last wrong try the next must wait; milliseconds */
export const waitAfter = (count: number, free: number, longest: number): number =>
  count < free ? 0 : Math.min(1_000 * 2 ** (count - free), longest);

/** What still counts. */
export function remembered(tries: Tries, now: number): Tries {
  const own = Object.entries(tries.own).filter(([, { last }]) => last > now - FORGET_MS);
  const known = Object.entries(tries.known).filter(([, at]) => at > now - KNOWN_MS);
  const strangers = tries.strangers.last > now - FORGET_MS ? tries.strangers : NONE;
  const isOver = own.length === 0 && strangers.count === 0;
  return {
    own: Object.fromEntries(own),
    strangers,
    known: Object.fromEntries(known),
    toldOf: isOver ? null : tries.toldOf,
  };
}

/** Null when there is nothing to remember, else until when there is. */
export function rememberedUntil({ own, strangers, known }: Tries): number | null {
  const ends = [
    ...[...Object.values(own), strangers]
      .filter(({ count }) => count > 0)
      .map(({ last }) => last + FORGET_MS),
    ...Object.values(known).map((at) => at + KNOWN_MS),
  ];
  return ends.length === 0 ? null : Math.max(...ends);
}

/** Counts a try, or says how long it must wait: then nothing is counted, so that asking again does not prolong it. */
export function tryOnce(before: Tries, made: Try): { tries: Tries; answer: TryAnswer } {
  const { now, from, freeOwn, freeTogether } = made;
  const tries = remembered(before, now);
  const own = tries.own[from] ?? NONE;
  const isKnown = tries.known[from] !== undefined;
  const together = freeTogether > 0 && !isKnown;
  const waits = [own.last + waitAfter(own.count, freeOwn, LONGEST_WAIT_MS) - now];
  if (together) {
    const { last, count } = tries.strangers;
    waits.push(last + waitAfter(count, freeTogether, LONGEST_WAIT_TOGETHER_MS) - now);
  }
  const wait = Math.max(...waits);
  if (wait > 0) return { tries, answer: { kind: "wait", seconds: Math.ceil(wait / 1_000) } };
  const ownNow = oneMore(own, now);
  const strangers = together ? oneMore(tries.strangers, now) : tries.strangers;
  const tellOf = tries.toldOf === null && ownNow.count >= freeOwn ? ownNow.first : null;
  const tellOfAll =
    tries.toldOf === null && together && strangers.count >= freeTogether ? strangers.first : null;
  return {
    tries: {
      ...tries,
      own: newest({ ...tries.own, [from]: ownNow }, MOST_OWN, ({ last }) => last),
      strangers,
    },
    answer: { kind: "go_on", known: isKnown, tellOf: tellOf ?? tellOfAll },
  };
}

/** What is said of a try. */
export type Tried = Pick<Try, "now" | "from">;

/** A try that was right: all that its party did wrong is forgotten, and it is known from now on. */
export const wasRight = (before: Tries, tried: Tried): Tries => known(takenBack(before, tried), tried);

/** Who proved themselves otherwise than by a try. */
export function known(before: Tries, { now, from }: Tried): Tries {
  const tries = remembered(before, now);
  const { [from]: _, ...own } = tries.own;
  return { ...tries, own, known: newest({ ...tries.known, [from]: now }, MOST_KNOWN, (at) => at) };
}

/** Takes one try back, of which nobody learned whether it was right, or that was right and proves nothing more. */
export function takenBack(before: Tries, { now, from }: Tried): Tries {
  const tries = remembered(before, now);
  const { [from]: own = NONE, ...others } = tries.own;
  const isStranger = tries.known[from] === undefined;
  return {
    ...tries,
    own: own.count > 1 ? { ...others, [from]: oneLess(own) } : others,
    strangers: isStranger ? oneLess(tries.strangers) : tries.strangers,
  };
}

const oneMore = ({ count, first }: Wrong, now: number): Wrong => ({
  count: count + 1,
  first: count === 0 ? now : first,
  last: now,
});
const oneLess = (wrong: Wrong): Wrong => (wrong.count <= 1 ? NONE : { ...wrong, count: wrong.count - 1 });

const newest = <T>(entries: Record<string, T>, most: number, at: (entry: T) => number): Record<string, T> =>
  Object.fromEntries(
    Object.entries(entries)
      .sort(([, a], [, b]) => at(b) - at(a))
      .slice(0, most),
  );
