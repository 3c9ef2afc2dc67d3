export type Chance = ReturnType<typeof chance>;

/** The same numbers for the same seed (mulberry32). */
export function chance(seed: number) {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  const pick = <T>(all: readonly T[]): T => all[below(all.length)] as T;
  return {
    below,
    pick,
    /** Whether what happens in so many cases of a hundred happens now. */
    odds: (percent: number) => next() * 100 < percent,
    /** A whole number from `least` to `most`. */
    between: (least: number, most: number) => least + below(most - least + 1),
  };
}
