import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from "vitest";
import { incrementCounter } from "../../src/platform/counters.ts";
import { testContext } from "../events/context.ts";
import { testClock } from "../support/clock.ts";
import { basket } from "../support/shop.ts";
import worker, { deskEnv, deskWork } from "../support/worker.ts";

/** By name and labels. @param like of the names: what limiters of another file's tests left is none of ours */
const counted = async (like: string): Promise<Record<string, number>> => {
  const { results } = await env.DB.prepare(
    "SELECT name || labels AS counter, value FROM counters WHERE name LIKE ?1 ORDER BY 1",
  )
    .bind(like)
    .all<{
      counter: string;
      value: number;
    }>();
  return Object.fromEntries(results.map(({ counter, value }) => [counter, value]));
};

/** An isolate of its own, with what it goes on with after its answers. */
function isolate(DB: D1Database = env.DB) {
  const deferred: Promise<unknown>[] = [];
  const context = testContext({ env: { ...env, DB }, defer: (work) => void deferred.push(work) });
  return {
    count: (name: string, labels: Record<string, string> = {}) => incrementCounter(context, name, labels),
    writes: () => deferred.length,
    rest: () => Promise.all(deferred),
  };
}

let warnings: MockInstance<typeof console.warn>;
beforeEach(() => {
  warnings = vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("what is counted", () => {
  test("is one write for all of a second, by name and labels, and the next adds to it", async () => {
    const { count, writes, rest } = isolate();
    for (let n = 0; n < 500; n++) count("a_total", { x: n % 5 === 0 ? "1" : "2" });
    count("b_total");
    expect(writes()).toBe(1);
    await rest();
    expect(await counted("__total")).toEqual({
      'a_total{"x":"1"}': 100,
      'a_total{"x":"2"}': 400,
      "b_total{}": 1,
    });
    count("b_total");
    expect(writes()).toBe(2);
    await rest();
    expect((await counted("__total"))["b_total{}"]).toBe(2);
  });

  test("of many isolates at once is added up", async () => {
    const all = Array.from({ length: 5 }, () => isolate());
    for (const { count } of all) for (let n = 0; n < 3; n++) count("a_total");
    await Promise.all(all.map(({ rest }) => rest()));
    expect(await counted("__total")).toEqual({ "a_total{}": 15 });
  });

  test("while D1 is down is kept for the next, and fails nobody", async () => {
    let down = true;
    const prepare = (sql: string) => {
      if (down) throw new Error("planted: D1 is down");
      return env.DB.prepare(sql);
    };
    const { count, rest } = isolate({ prepare } as unknown as D1Database);
    for (let n = 0; n < 3; n++) count("a_total");
    await rest();
    expect(await counted("__total")).toEqual({});
    down = false;
    count("a_total");
    await rest();
    expect(await counted("__total")).toEqual({ "a_total{}": 4 });
  });

  test("is written by another when the request that was to do it is gone", async () => {
    const gone = testContext({ env: { ...env }, defer: () => {} });
    const deferred: Promise<unknown>[] = [];
    const began = testClock.now();
    const countAt = (now: number) =>
      incrementCounter(
        {
          ...gone,
          defer: (work) => void deferred.push(work),
          clock: { now: () => now, sleep: async () => {} },
        },
        "a_total",
        {},
      );
    // It sleeps for ever: it is of a request that was ended.
    incrementCounter(
      { ...gone, clock: { now: () => began, sleep: () => new Promise(() => {}) } },
      "a_total",
      {},
    );
    countAt(began + 29_999);
    expect(deferred).toHaveLength(0);
    countAt(began + 30_000);
    await Promise.all(deferred);
    expect(await counted("__total")).toEqual({ "a_total{}": 3 });
  });
});

describe("a limiter that is down lets through, and is counted", () => {
  const BROKEN = {
    RATE_LIMITER: { idFromName: () => "id", get: () => ({ fetch: () => Promise.reject(new Error("gone")) }) },
    FLOOD_GUARD: { limit: () => Promise.reject(new Error("gone")) },
  };
  const OFF = { ORDERS_PER_MINUTE: "0", SUGGESTIONS_PER_MINUTE: "0", REQUESTS_PER_MINUTE: "0" };
  const suggest = new Request("http://shop.test/api/v1/search/suggest?q=mug");
  const order = () =>
    new Request("http://shop.test/api/v1/orders", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(basket({ prd_none: 1 })),
    });

  test.each<[string, Record<string, unknown>, () => Request, string, number]>([
    ["suggestions", { SUGGESTIONS_PER_MINUTE: "20" }, () => suggest.clone(), "suggestions", 200],
    ["orders", { ORDERS_PER_MINUTE: "5" }, order, "orders", 422],
    ["requests, by the binding", { REQUESTS_PER_MINUTE: "600" }, () => suggest.clone(), "requests", 200],
    ["requests, by the object", { REQUESTS_PER_MINUTE: "60" }, () => suggest.clone(), "requests", 200],
  ])("%s", async (_, settings, request, limiter, status) => {
    const execution = createExecutionContext();
    const bindings = { ...env, ...BROKEN, ...OFF, ...settings } as unknown as Cloudflare.Env;
    deskEnv.current = bindings;
    const answer = await worker.fetch(request() as never, bindings, execution);
    await Promise.all(deskWork);
    expect(answer.status).toBe(status);
    const told = warnings.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(told).toMatchObject([{ message: "a rate limiter is broken: let through", limit: limiter }]);
    await waitOnExecutionContext(execution);
    expect(await counted("limiter%")).toEqual({ [`limiter_unavailable_total{"limiter":"${limiter}"}`]: 1 });
    const metrics = await worker.fetch(
      new Request("http://shop.test/metrics") as never,
      env,
      createExecutionContext(),
    );
    expect(await metrics.text()).toContain(`\nlimiter_unavailable_total{limiter="${limiter}"} 1\n`);
  });
});
