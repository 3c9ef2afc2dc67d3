import { afterEach, expect, test, vi } from "vitest";
import { gathered } from "../../src/platform/gathered.ts";

afterEach(() => void vi.useRealTimers());

/** Each call is noted with all that it was asked, and ends when it is told to. */
function calling() {
  const calls: { asked: string[]; end: PromiseWithResolvers<string> }[] = [];
  const ask = gathered((asked: string[]) => {
    const end = Promise.withResolvers<string>();
    calls.push({ asked, end });
    return end.promise;
  });
  return { ask, calls, asked: () => calls.map((one) => one.asked) };
}

/** Longer than what only waits for promises that are settled. */
const aMoment = async () => {
  for (let turns = 0; turns < 20; turns++) await null;
};

test("who asks in the same moment goes together, at once, and gets the same answer", async () => {
  const { ask, calls, asked } = calling();
  const answers = ["a", "b", "c"].map(ask);
  await aMoment();
  expect(asked()).toEqual([["a", "b", "c"]]);
  calls[0]?.end.resolve("yes");
  expect(await Promise.all(answers)).toEqual(["yes", "yes", "yes"]);
});

test("who asks while a call is under way goes with the next one", async () => {
  const { ask, calls, asked } = calling();
  const first = ask("a");
  await aMoment();
  const later = [ask("b")];
  await aMoment();
  later.push(ask("c"));
  await aMoment();
  expect(asked()).toEqual([["a"]]);
  calls[0]?.end.resolve("one");
  expect(await first).toBe("one");
  await aMoment();
  expect(asked()).toEqual([["a"], ["b", "c"]]);
  calls[1]?.end.resolve("two");
  expect(await Promise.all(later)).toEqual(["two", "two"]);
  void ask("d");
  await aMoment();
  expect(asked()).toEqual([["a"], ["b", "c"], ["d"]]);
});

test("an error is told to all of its call, and to nobody of the next", async () => {
  const { ask, calls } = calling();
  const failing = [ask("a"), ask("b")];
  await aMoment();
  const next = ask("c");
  calls[0]?.end.reject(new Error("down"));
  const told = await Promise.allSettled(failing);
  expect(told.map((one) => one.status === "rejected" && one.reason.message)).toEqual(["down", "down"]);
  await aMoment();
  calls[1]?.end.resolve("yes");
  expect(await next).toBe("yes");
});

test("a call that hangs keeps the next one waiting for five seconds", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { ask, calls, asked } = calling();
  const hanging = ask("a");
  await aMoment();
  const next = ask("b");
  await vi.advanceTimersByTimeAsync(4_999);
  expect(asked()).toEqual([["a"]]);
  await vi.advanceTimersByTimeAsync(1);
  await aMoment();
  expect(asked()).toEqual([["a"], ["b"]]);
  calls[1]?.end.resolve("yes");
  expect(await next).toBe("yes");
  calls[0]?.end.resolve("at last");
  expect(await hanging).toBe("at last");
});
