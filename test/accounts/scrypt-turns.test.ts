import { expect, test } from "vitest";
import { inTurn } from "../../src/accounts/scrypt-turns.ts";
import type { Clock } from "../../src/platform/clock.ts";

/** An isolate of its own, whose time goes on as they sleep. */
function isolate() {
  let now = 0;
  const sleepers: { until: number; wake: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: (milliseconds) => new Promise((wake) => sleepers.push({ until: now + milliseconds, wake })),
  };
  const begun: { who: string; at: number }[] = [];
  const ask = (who: string) => inTurn({ env: env as never, clock }, async () => begun.push({ who, at: now }));
  const env = {};
  const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
  const until = async (end: number) => {
    for (await settle(); now < end; await settle()) {
      now += 50;
      const due = sleepers.filter(({ until }) => until <= now);
      for (const sleeper of due) {
        sleepers.splice(sleepers.indexOf(sleeper), 1);
        sleeper.wake();
      }
    }
  };
  /** All who wait now are cut off: they never look again. */
  const cutOff = () => sleepers.splice(0);
  const setBack = (to: number) => {
    now = to;
  };
  return { ask, begun, until, cutOff, setBack };
}

test("two at once, then one in half a second, in the order in which they came; the queue has eight", async () => {
  const { ask, begun, until } = isolate();
  const asked = Array.from({ length: 12 }, (_, n) => ask(`${n}`));
  await until(10_000);
  expect(begun.map(({ who, at }) => `${who} at ${at}`)).toEqual([
    "0 at 0",
    "1 at 0",
    ...[2, 3, 4, 5, 6, 7, 8, 9].map((who) => `${who} at ${(who - 1) * 500}`),
  ]);
  const outcomes = await Promise.all(asked);
  expect(outcomes.filter(({ kind }) => kind === "too_many_at_once")).toEqual(
    Array(2).fill({ kind: "too_many_at_once", retryAfter: 4 }),
  );
});

test("whoever was cut off while it waited holds nobody up for long", async () => {
  const { ask, begun, until, cutOff } = isolate();
  for (const who of ["a", "b", "gone", "gone too"]) void ask(who);
  await until(0);
  cutOff();
  void ask("c");
  await until(5_000);
  expect(begun.map(({ who }) => who)).toEqual(["a", "b", "c"]);
});

test("a clock that is set back makes nobody wait until it is where it was", async () => {
  const { ask, begun, until, setBack } = isolate();
  await until(90_000);
  for (const who of ["a", "b"]) void ask(who);
  await until(90_000);
  setBack(0);
  void ask("c");
  await until(600);
  expect(begun.map(({ who }) => who)).toEqual(["a", "b", "c"]);
});
