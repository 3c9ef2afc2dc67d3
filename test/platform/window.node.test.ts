import fc from "fast-check";
import { expect, test } from "vitest";
import { type Hit, slide } from "../../src/platform/rate-limit/window.ts";

const START = 1_700_000_000_000;

/** Times between takes: at once, within the second, some seconds, about a minute. */
const gap = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 999 }),
  fc.integer({ min: 1_000, max: 20_000 }),
  fc.integer({ min: 58_900, max: 61_100 }),
);

test("whoever asks whenever: never more than the allowance in any window, and what is free a second after it is given", () => {
  const windows = fc.constantFrom(undefined, 60_000, 600_000);
  const takes = fc.array(fc.record({ gap, cost: fc.integer({ min: 1, max: 3 }) }), { maxLength: 80 });
  fc.assert(
    fc.property(
      takes,
      fc.integer({ min: 3, max: 20 }),
      fc.boolean(),
      windows,
      (all, allowed, named, windowMs) => {
        const window = windowMs ?? 60_000;
        const length = windowMs === undefined ? {} : { windowMs };
        const given: { at: number; cost: number }[] = [];
        const within = (now: number, milliseconds: number) =>
          given.reduce((sum, { at, cost }) => sum + (at > now - milliseconds ? cost : 0), 0);
        let log: Hit[] = [];
        let now = START;
        for (const [index, take] of all.entries()) {
          now += take.gap;
          const id = named ? { id: String(index) } : {};
          const slid = slide(log, { now, allowed, cost: take.cost, ...id, ...length });
          log = slid.log;
          const { answer } = slid;
          if (answer.allowed) {
            given.push({ at: now, cost: take.cost });
            expect(within(now, window)).toBeLessThanOrEqual(allowed);
            expect(answer.retryAfter).toBe(0);
          } else {
            expect(within(now, named ? window : window + 1_000) + take.cost).toBeGreaterThan(allowed);
            expect(answer.retryAfter).toBeGreaterThanOrEqual(1);
            expect(answer.retryAfter).toBeLessThanOrEqual(window / 1_000);
            // Whoever waits as long as they were told is let through.
            const later = now + answer.retryAfter * 1_000;
            expect(
              slide(log, { now: later, allowed, cost: take.cost, ...id, ...length }).answer.allowed,
            ).toBe(true);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
