import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { GUEST } from "../../src/platform/actor.ts";
import type { Context } from "../../src/platform/context.ts";
import { sha256, systemIds } from "../../src/platform/ids.ts";
import { createLog } from "../../src/platform/log.ts";
import { type Limit, limitedProblem, takeFrom } from "../../src/platform/rate-limit/limit.ts";
import { type Hit, slide } from "../../src/platform/rate-limit/window.ts";
import { readSettings } from "../../src/platform/settings.ts";
import { testClock } from "../support/clock.ts";

function contextWith(overrides: Partial<Cloudflare.Env> = {}): Context {
  const read = readSettings(env);
  if (read.kind === "misconfigured") throw new Error("the test's settings are wrong");
  return {
    env: { ...env, ...overrides },
    settings: read.settings,
    clock: testClock,
    ids: systemIds,
    log: createLog(),
    actor: GUEST,
    address: "192.0.2.7",
    requestId: "test",
    generation: 0,
    defer: () => {},
  };
}

const fiveOrders: Limit = { name: "orders", party: "address:192.0.2.7", allowed: 5, cost: 1 };
const take = (limit: Partial<Limit> = {}, context = contextWith()) =>
  takeFrom(context, { ...fiveOrders, ...limit });

async function limiterOf(party: string) {
  const name = `orders:${await sha256(party)}`;
  return env.RATE_LIMITER.get(env.RATE_LIMITER.idFromName(name));
}

test("five in any sixty seconds, and the sixth is told when", async () => {
  for (const left of [4, 3, 2, 1, 0]) {
    expect(await take()).toEqual({
      kind: "allowed",
      headers: { "RateLimit-Policy": '"orders";q=5;w=60', RateLimit: `"orders";r=${left};t=60` },
    });
  }
  const refused = await take();
  expect(refused).toEqual({
    kind: "limited",
    retryAfter: 60,
    headers: {
      "RateLimit-Policy": '"orders";q=5;w=60',
      RateLimit: '"orders";r=0;t=60',
      "Retry-After": "60",
    },
  });
  if (refused.kind === "limited") {
    expect(limitedProblem(refused)).toMatchObject({ status: 429, code: "rate_limited", retry_after: 60 });
  }
});

test("the window slides: a hit counts for 59 seconds, and at 61 no more", async () => {
  await take();
  testClock.advance(30_000);
  for (let n = 0; n < 4; n++) await take();
  testClock.advance(29_000);
  expect(await take()).toMatchObject({ kind: "limited", retryAfter: 1 });
  testClock.advance(2_000);
  expect(await take()).toMatchObject({ kind: "allowed" });
  // The four of second 30 leave at 90, it is 61.
  expect(await take()).toMatchObject({ kind: "limited", retryAfter: 29 });
});

test("a refusal records nothing, so asking again does not prolong the wait", async () => {
  for (let n = 0; n < 5; n++) await take();
  for (let n = 0; n < 5; n++) {
    testClock.advance(10_000);
    expect(await take()).toMatchObject({ kind: "limited", retryAfter: 50 - n * 10 });
  }
  testClock.advance(10_000);
  expect(await take()).toMatchObject({ kind: "allowed" });
});

test("twins and retries of one key count once", async () => {
  const twins = await Promise.all(Array.from({ length: 20 }, () => take({ hit: "schlüssel-1" })));
  expect(twins.map((twin) => twin.kind)).toEqual(Array(20).fill("allowed"));
  expect((await take()).headers.RateLimit).toBe('"orders";r=3;t=60');
  testClock.advance(61_000);
  expect((await take({ hit: "schlüssel-1" })).headers.RateLimit).toBe('"orders";r=4;t=60');
});

test("each draft of a bulk counts, and what never fits is refused", async () => {
  expect(await take({ cost: 3 })).toMatchObject({ kind: "allowed" });
  expect(await take({ cost: 3 })).toMatchObject({ kind: "limited", retryAfter: 60 });
  expect(await take({ cost: 2 })).toMatchObject({ kind: "allowed" });
  expect(await take({ party: "user:other", cost: 6 })).toMatchObject({ kind: "limited", retryAfter: 60 });
});

test("parties and limits do not share a window", async () => {
  for (let n = 0; n < 5; n++) await take();
  expect(await take({ party: "user:usr_ünïcode" })).toMatchObject({ kind: "allowed" });
  expect(await take({ name: "suggestions" })).toMatchObject({ kind: "allowed" });
});

test("a window survives the object's eviction", async () => {
  for (let n = 0; n < 5; n++) await take();
  await evictDurableObject(await limiterOf(fiveOrders.party));
  testClock.advance(20_000);
  expect(await take()).toMatchObject({ kind: "limited", retryAfter: 40 });
});

test("a party that stays away leaves nothing behind", async () => {
  testClock.advance(-120_000);
  await take({ hit: "once" });
  const limiter = await limiterOf(fiveOrders.party);
  await vi.waitFor(async () => {
    expect(await runInDurableObject(limiter, (_, state) => state.storage.list())).toEqual(new Map());
  });
  expect((await take()).headers.RateLimit).toBe('"orders";r=4;t=60');
});

test("an allowance of 0 is off and asks nobody", async () => {
  const context = contextWith({ RATE_LIMITER: null as unknown as DurableObjectNamespace });
  expect(await take({ allowed: 0 }, context)).toEqual({ kind: "allowed", headers: {} });
});

test("a broken limiter lets through without headers", async () => {
  const stub = (fetch: () => Promise<Response>) =>
    contextWith({
      RATE_LIMITER: { idFromName: () => "id", get: () => ({ fetch }) } as unknown as DurableObjectNamespace,
    });
  const broken = [
    stub(() => Promise.reject(new Error("gone"))),
    stub(async () => new Response("no", { status: 500 })),
    stub(async () => new Response(null, { status: 204 })),
  ];
  for (const context of broken) expect(await take({}, context)).toEqual({ kind: "allowed", headers: {} });

  vi.useFakeTimers();
  try {
    const outcome = take(
      {},
      stub(() => new Promise<Response>(() => {})),
    );
    await vi.advanceTimersByTimeAsync(1000);
    expect(await outcome).toEqual({ kind: "allowed", headers: {} });
  } finally {
    vi.useRealTimers();
  }
});

test("the log stays short and in order", () => {
  let log: Hit[] = [];
  for (let n = 0; n < 10_000; n++) {
    ({ log } = slide(log, { now: 1_000_000 + n * 10, allowed: 100_000, cost: 1 }));
  }
  expect(log.length).toBeLessThanOrEqual(61);
  expect(log.reduce((sum, hit) => sum + hit.cost, 0)).toBeGreaterThanOrEqual(6000);

  const early = slide([{ at: 5000, cost: 1, id: "a" }], { now: 4000, allowed: 5, cost: 1, id: "b" });
  expect(early.log.map((hit) => hit.at)).toEqual([5000, 5000]);
});
