import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answerFromMemory, cached } from "../../../src/platform/cache/cached.ts";
import { Memory } from "../../../src/platform/cache/memory.ts";
import { answerError } from "../../../src/platform/http/errors.ts";
import { openContext } from "../../../src/platform/http/request-context.ts";
import { createRouter } from "../../../src/platform/http/router.ts";
import { systemIds } from "../../../src/platform/ids.ts";
import { testClock } from "../../support/clock.ts";

/** One route around whatever is read, as a room has it. */
function route(read: () => Promise<object | null>, seconds?: number) {
  const memory = new Memory();
  const router = createRouter();
  router.use(openContext({ clock: testClock, ids: systemIds, memory }, "/health"), async (c, next) => {
    c.set("requestId", "test");
    await next();
  });
  router.get("/thing", answerFromMemory, (c) =>
    cached(c, { name: "thing", query: c.req.query("q"), seconds }, read),
  );
  router.onError(answerError);
  const ask = async (path = "/thing", bindings: Record<string, unknown> = {}) => {
    const execution = createExecutionContext();
    const response = await router.fetch(
      new Request(`http://shop.test${path}`),
      { ...env, ...bindings },
      execution,
    );
    const text = await response.text();
    await waitOnExecutionContext(execution);
    return { status: response.status, headers: response.headers, text };
  };
  return { ask, memory };
}

/** What says how often it was asked. */
function counting() {
  let count = 0;
  return async () => ({ count: ++count });
}

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("what hangs on stock is repeated for its seconds, and by nobody else", async () => {
  const { ask } = route(counting(), 3);
  const first = await ask();
  expect(first.headers.get("Cache-Control")).toBe("public, no-cache");
  testClock.advance(2_999);
  expect((await ask()).text).toBe(first.text);
  testClock.advance(1);
  expect((await ask()).text).toBe('{"count":2}');
  expect((await env.CACHE.list()).keys).toEqual([]);
});

test("its seconds begin when it is asked for, not when it comes", async () => {
  const read = counting();
  const { ask } = route(async () => {
    testClock.advance(2_000);
    return read();
  }, 3);
  await ask();
  testClock.advance(1_000);
  expect((await ask()).text).toBe('{"count":2}');
});

test("queries without end leave memory within its bounds", async () => {
  const { ask, memory } = route(async () => ({ text: "x".repeat(200_000) }));
  for (let n = 0; n < 120; n++) await ask(`/thing?q=${n}`);
  expect(memory.answers.calculatedSize).toBeGreaterThan(14_000_000);
  expect(memory.answers.calculatedSize).toBeLessThanOrEqual(16 * 1_048_576);
  for (let n = 0; n < 1_500; n++) await ask(`/thing?q=0&other=${"y".repeat(900)}${n}`);
  expect(memory.addresses.calculatedSize).toBeLessThanOrEqual(1_048_576);
});

test("what fails is a failure of all who wait, and is not kept", async () => {
  const read = counting();
  const { ask } = route(async () => {
    const answer = await read();
    if (answer.count === 1) throw new Error("planted: network connection lost");
    return answer;
  });
  const all = await Promise.all(Array.from({ length: 10 }, () => ask()));
  expect(all.map(({ status }) => status)).toEqual(Array(10).fill(503));
  expect((await ask()).text).toBe('{"count":2}');
});

test("who waits for a request that is no more begins anew, one for all", async () => {
  const read = counting();
  const { ask, memory } = route(read);
  await ask("/thing?q=1");
  // A request that was ended settles nothing.
  memory.inFlight.set(`${memory.generation?.value} thing "2"`, new Promise(() => {}));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const all = Promise.all(Array.from({ length: 10 }, () => ask("/thing?q=2")));
  await vi.advanceTimersByTimeAsync(3_000);
  vi.useRealTimers();
  expect((await all).map(({ text }) => text)).toEqual(Array(10).fill('{"count":2}'));
  expect(memory.inFlight.size).toBe(0);
});

test("what hangs is given up: nobody waits for ever", async () => {
  let asked = 0;
  const { ask, memory } = route(() => {
    asked += 1;
    return new Promise(() => {});
  });
  const waiting = new Promise<void>((resolve) => {
    const poll = setInterval(() => {
      if (asked === 1) {
        clearInterval(poll);
        resolve();
      }
    }, 1);
  });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const all = Promise.all(Array.from({ length: 3 }, () => ask()));
  await waiting;
  await vi.advanceTimersByTimeAsync(3_000);
  await vi.advanceTimersByTimeAsync(10_000);
  vi.useRealTimers();
  expect((await all).map(({ status }) => status)).toEqual([503, 503, 503]);
  expect(asked).toBe(2);
  expect(memory.inFlight.size).toBe(0);
});

test.each(["getWithMetadata", "put"])("a KV that hangs is done without: %s", async (method) => {
  const CACHE = {
    getWithMetadata: async () => ({ value: null, metadata: null }),
    [method]: () => new Promise(() => {}),
  };
  const { ask } = route(counting());
  await ask("/thing?q=1");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const answers = (async () => [await ask("/thing", { CACHE }), await ask("/thing", { CACHE })])();
  for (let n = 0; n < 20; n++) await vi.advanceTimersByTimeAsync(100);
  vi.useRealTimers();
  expect((await answers).map(({ text }) => text)).toEqual(['{"count":2}', '{"count":2}']);
});

test("headers of one answer are on no other", async () => {
  const { ask, memory } = route(counting());
  const router = createRouter();
  let asked = 0;
  router.use(openContext({ clock: testClock, ids: systemIds, memory }, "/health"));
  router.get("/limited", (c) =>
    cached(c, { name: "limited", query: null, headers: { RateLimit: `r=${++asked}` } }, async () => ({})),
  );
  await ask();
  for (const left of ["r=1", "r=2"]) {
    const execution = createExecutionContext();
    const answer = await router.fetch(new Request("http://shop.test/limited"), env, execution);
    await waitOnExecutionContext(execution);
    expect(answer.headers.get("RateLimit")).toBe(left);
  }
  expect((await ask()).headers.has("RateLimit")).toBe(false);
});
