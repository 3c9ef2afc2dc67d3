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

test("whoever asks whenever: never more than the allowance in any 60 seconds, and what is free after 61 is given", () => {
  const takes = fc.array(fc.record({ gap, cost: fc.integer({ min: 1, max: 3 }) }), { maxLength: 80 });
  fc.assert(
    fc.property(takes, fc.integer({ min: 3, max: 20 }), fc.boolean(), (all, allowed, named) => {
      const given: { at: number; cost: number }[] = [];
      const within = (now: number, milliseconds: number) =>
        given.reduce((sum, { at, cost }) => sum + (at > now - milliseconds ? cost : 0), 0);
      let log: Hit[] = [];
      let now = START;
      for (const [index, take] of all.entries()) {
        now += take.gap;
        const id = named ? { id: String(index) } : {};
        const slid = slide(log, { now, allowed, cost: take.cost, ...id });
        log = slid.log;
        const { answer } = slid;
        if (answer.allowed) {
          given.push({ at: now, cost: take.cost });
          expect(within(now, 60_000)).toBeLessThanOrEqual(allowed);
          expect(answer.retryAfter).toBe(0);
        } else {
          expect(within(now, named ? 60_000 : 61_000) + take.cost).toBeGreaterThan(allowed);
          expect(answer.retryAfter).toBeGreaterThanOrEqual(1);
          expect(answer.retryAfter).toBeLessThanOrEqual(60);
          // Whoever waits as long as they were told is let through.
          const later = now + answer.retryAfter * 1_000;
          expect(slide(log, { now: later, allowed, cost: take.cost, ...id }).answer.allowed).toBe(true);
        }
      }
    }),
    { numRuns: 300 },
  );
});
