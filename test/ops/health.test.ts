import { createExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { checkHealth } from "../../src/ops/check-health.ts";
import { systemClock } from "../../src/platform/clock.ts";
import worker from "../support/worker.ts";

const well = { status: "healthy", latency_ms: expect.any(Number), detail: null };
const broken = { status: "unhealthy", latency_ms: expect.any(Number), detail: "does not answer" };
const brokenDatabase = {
  prepare: () => {
    throw new Error("no such host db-7.internal");
  },
} as unknown as D1Database;
const brokenCache = { get: () => Promise.reject(new Error("gone")) } as unknown as KVNamespace;

describe("health", () => {
  test.each(["/health", "/health/ready"])("%s names each part, and needs no sign-in", async (path) => {
    const response = await exports.default.fetch(`http://shop.test${path}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(await response.json()).toEqual({
      status: "healthy",
      checks: {
        ...{ settings: well, sign_in: well, database: well, capacity: well, selling: well, cache: well },
      },
    });
  });

  test("without the database no order can be taken: unhealthy, and the cause stays in the log", async () => {
    const health = await checkHealth({ ...env, DB: brokenDatabase });
    expect(health).toEqual({
      status: "unhealthy",
      checks: {
        settings: well,
        sign_in: well,
        database: broken,
        capacity: { ...broken, status: "degraded" },
        selling: broken,
        cache: well,
      },
    });
  });

  test("without KV orders can be taken: degraded", async () => {
    const health = await checkHealth({ ...env, CACHE: brokenCache });
    expect(health).toMatchObject({ status: "degraded", checks: { cache: { status: "degraded" } } });
  });

  test("a wrong setting is a 503 that names it, never its value", async () => {
    const misconfigured = { ...env, CURRENCY: "secret" } as unknown as Cloudflare.Env;
    const request = new Request<unknown, IncomingRequestCfProperties>("http://shop.test/health/ready");
    const response = await worker.fetch(request, misconfigured, createExecutionContext());
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({
      status: "unhealthy",
      checks: { settings: { status: "unhealthy", detail: "CURRENCY" }, database: well },
    });
    expect(text).not.toContain("secret");
  });

  test("a key that cannot sign is a 503, and its value is not told", async () => {
    const key = '{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}';
    const health = await checkHealth({ ...env, JWT_PRIVATE_KEY: key } as unknown as Cloudflare.Env);
    expect(health).toMatchObject({
      status: "unhealthy",
      checks: { settings: well, sign_in: { status: "unhealthy" }, database: well },
    });
    expect(health.checks.sign_in?.detail).toMatch(/^JWT_PRIVATE_KEY is not a private /);
    expect(JSON.stringify(health)).not.toContain("AA");
  });

  test("a part that never answers is down", async () => {
    const silent = { prepare: () => ({ first: () => new Promise(() => {}) }) } as unknown as D1Database;
    const impatient = { now: systemClock.now, sleep: () => systemClock.sleep(20) };
    const health = await checkHealth({ ...env, DB: silent }, impatient);
    expect(health.checks.database).toMatchObject({ status: "unhealthy", detail: "did not answer in time" });
  });
});
