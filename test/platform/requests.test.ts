import { exports } from "cloudflare:workers";
import { beforeEach, expect, test, vi } from "vitest";
import { signIn } from "../support/sign-in.ts";
import { broken, postJson, probeApp } from "./probe.ts";

const ask = probeApp();
const problemOf = async (response: Response) =>
  (await response.json()) as { status: number; code: string; request_id: string; [key: string]: unknown };

beforeEach(() => {
  broken.error = new Error("secret detail");
});

test("a sane X-Request-Id comes back on every answer, any other is replaced", async () => {
  for (const path of ["/", "/health", "/api/v1/nothing", "/api/v1/probe/1", "/api/v1/broken"]) {
    const answer = await ask(path, { headers: { "X-Request-Id": "r-1.x" } });
    expect(answer.headers.get("X-Request-Id"), path).toBe("r-1.x");
  }
  for (const wrong of ["two words", "x".repeat(129), "é"]) {
    const answer = await ask("/api/v1/nothing", { headers: { "X-Request-Id": wrong } });
    const id = answer.headers.get("X-Request-Id");
    expect(id).toMatch(/^[0-9a-z]{26}$/);
    expect(await answer.json()).toMatchObject({ request_id: id });
  }
});

test("a valid traceparent comes back", async () => {
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const sent = async (traceparent: string) =>
    (await ask("/", { headers: { traceparent } })).headers.get("traceparent");
  expect(await sent(trace)).toBe(trace);
  expect(await sent("00-00000000000000000000000000000000-00f067aa0ba902b7-01")).toBeNull();
  expect(await sent("nonsense")).toBeNull();
});

test("each answer has one line of JSON in the log, with the route's pattern", async () => {
  const lines = vi.spyOn(console, "info").mockImplementation(() => {});
  await ask("/api/v1/probe/secret-id?token=x", {
    headers: {
      "X-Request-Id": "r-2",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    },
  });
  const [line] = lines.mock.calls.map(([text]) => String(text));
  lines.mockRestore();
  expect(JSON.parse(line ?? "")).toMatchObject({
    message: "answered",
    method: "GET",
    route: "/api/v1/probe/:id",
    status: 200,
    duration_ms: 0,
    actor: "guest",
    request_id: "r-2",
    trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
  });
  expect(line).not.toContain("secret-id");
});

test("a wrong setting is named and its value is not, and /health still answers", async () => {
  const misconfigured = probeApp({ CURRENCY: "doubloons" });
  const refused = await misconfigured("/api/v1/probe/1");
  expect(refused.status).toBe(503);
  const text = await refused.text();
  expect(JSON.parse(text)).toMatchObject({ code: "misconfigured", errors: [{ setting: "CURRENCY" }] });
  expect(text).not.toContain("doubloons");
  const health = await misconfigured("/health");
  expect(health.status).toBe(503);
  expect(await health.json()).toMatchObject({ status: "unhealthy" });
});

test("a trailing slash is tolerated on every method, with no redirect", async () => {
  expect((await ask("/api/v1/probe/1/")).status).toBe(200);
  const posted = await ask("/api/v1/probe/", postJson({ name: "kept" }));
  expect([posted.status, await posted.json()]).toEqual([200, { name: "kept" }]);
  expect((await ask("/docs/")).status).toBe(200);
});

test("HEAD answers as GET does, without the body", async () => {
  const head = await ask("/api/v1/probe/1", { method: "HEAD" });
  expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([
    200,
    "application/json",
    "",
  ]);
  expect((await ask("/api/v1/nothing", { method: "HEAD" })).status).toBe(404);
});

test("another method on a known path is a 405 that says which would do", async () => {
  const cases = [
    ["DELETE", "/api/v1/probe", "POST"],
    ["PUT", "/api/v1/probe/1", "GET, HEAD"],
    ["GET", "/api/v1/probe/1/cancel/", "POST"],
    ["POST", "/health", "GET, HEAD"],
  ] as const;
  for (const [method, path, allow] of cases) {
    const answer = await ask(path, { method, ...(method === "PUT" && { body: "not even JSON" }) });
    expect(answer.headers.get("Allow"), path).toBe(allow);
    expect(await problemOf(answer)).toMatchObject({ status: 405, code: "method_not_allowed" });
  }
  const nowhere = await ask("/api/v1/nothing", { method: "POST", body: "not even JSON" });
  expect(await problemOf(nowhere)).toMatchObject({ status: 404, code: "not_found" });
});

test("only allowed hosts are served", async () => {
  const here = { ALLOWED_HOSTS: "shop.test, other.test:8443" };
  expect((await probeApp(here)("/api/v1/probe/1")).status).toBe(200);
  const refused = await probeApp({ ALLOWED_HOSTS: "elsewhere.test" })("/api/v1/probe/1");
  expect(await problemOf(refused)).toMatchObject({ status: 421, code: "host_not_allowed" });
});

test("a NUL in the query is a 400", async () => {
  const answer = await ask("/api/v1/probe/1?q=a%00b");
  expect(await problemOf(answer)).toMatchObject({ status: 400, code: "invalid_query" });
});

test("pages of the allowed origins may call, others may not", async () => {
  const open = probeApp({ CORS_ORIGINS: "https://shop.example, https://admin.example" });
  const from = (origin: string, init: RequestInit = {}) =>
    open("/api/v1/probe/1", {
      ...init,
      headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
    });
  const answer = await from("https://admin.example");
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("https://admin.example");
  expect(answer.headers.get("Vary")).toContain("Origin");
  expect(answer.headers.get("Access-Control-Expose-Headers")?.split(",")).toEqual(
    expect.arrayContaining([
      "ETag",
      "Location",
      "RateLimit",
      "RateLimit-Policy",
      "Retry-After",
      "X-Request-Id",
    ]),
  );
  const preflight = await from("https://shop.example", { method: "OPTIONS" });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe("https://shop.example");
  expect(preflight.headers.get("Access-Control-Allow-Methods")).toBe("GET,HEAD,POST,PUT,PATCH,DELETE");
  expect(preflight.headers.get("Access-Control-Allow-Headers")?.split(",")).toEqual(
    expect.arrayContaining(["Authorization", "Idempotency-Key", "If-Match", "X-Cart-Token", "X-Order-Token"]),
  );
  expect((await from("https://evil.example")).headers.get("Access-Control-Allow-Origin")).toBeNull();
  const refusal = await open("/api/v1/nothing", { headers: { Origin: "https://shop.example" } });
  expect([refusal.status, refusal.headers.get("Access-Control-Allow-Origin")]).toEqual([
    404,
    "https://shop.example",
  ]);
  const closed = await ask("/api/v1/probe/1", { headers: { Origin: "https://shop.example" } });
  expect(closed.headers.get("Access-Control-Allow-Origin")).toBeNull();
});

test.each([
  ["development", "", "http://localhost:5173", true],
  ["development", "", "http://127.0.0.1:3000", true],
  ["development", "", "https://localhost", true],
  ["development", "", "http://localhost.evil.example", false],
  ["development", "", "http://evil.example?localhost:80", false],
  ["development", "https://shop.example", "http://localhost:5173", false],
  ["production", "", "http://localhost:5173", false],
])(
  "in %s with CORS_ORIGINS '%s' a page of %s may call: %s",
  async (ENVIRONMENT, CORS_ORIGINS, origin, may) => {
    const inIt = probeApp({
      ...{ ENVIRONMENT, CORS_ORIGINS, MAIL_FROM: "Shop <orders@shop.example>" },
      PAYMENT_WEBHOOK_SECRET: `whsec_${"a".repeat(32)}`,
    });
    const { headers } = await inIt("/api/v1/probe/1", { headers: { Origin: origin } });
    expect(headers.get("Access-Control-Allow-Origin")).toBe(may ? origin : null);
  },
);

test("answers cannot be framed, sniffed or run", async () => {
  const { headers } = await ask("/api/v1/nothing");
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(headers.get("Content-Security-Policy")).toBe("default-src 'none'; frame-ancestors 'none'");
  expect(headers.get("Strict-Transport-Security")).toContain("max-age=");
  expect(headers.get("X-Frame-Options")).toBe("DENY");
});

test("REQUESTS_PER_MINUTE limits each address, exactly, whatever it forges", async () => {
  const guarded = probeApp({ REQUESTS_PER_MINUTE: "3" });
  const from = (address: string, forged = "x") =>
    guarded("/api/v1/probe/1", { headers: { "CF-Connecting-IP": address, "X-Forwarded-For": forged } });
  for (const left of [2, 1, 0]) {
    expect((await from("2001:db8::1", `10.0.0.${left}`)).headers.get("RateLimit")).toBe(
      `"requests";r=${left};t=60`,
    );
  }
  const refused = await from("2001:db8::2", "10.0.0.9");
  expect(refused.headers.get("Retry-After")).toBe("60");
  expect(await problemOf(refused)).toMatchObject({ status: 429, code: "rate_limited", retry_after: 60 });
  expect((await from("192.0.2.1")).status).toBe(200);
});

const GARBAGE = { Authorization: "Bearer garbage" };
const LARGE = { ...postJson("x"), body: "x".repeat(1_048_577) };
test.each<[string, string, RequestInit, number]>([
  ["a garbage token", "/api/v1/probe/1", { headers: GARBAGE }, 401],
  ["nobody at a route of staff", "/api/v1/products", postJson({}), 401],
  ["a body that is too large", "/api/v1/probe", LARGE, 413],
  ["a body that is not JSON", "/api/v1/probe", { method: "POST", body: "x" }, 415],
  ["a path that is not there", "/nothing", {}, 404],
  ["a method that is not offered", "/api/v1/probe", { method: "PUT" }, 405],
  ["health", "/health", {}, 200],
  ["readiness", "/health/ready", {}, 200],
  ["metrics", "/metrics", {}, 200],
])("%s counts against the address", async (_, path, init, status) => {
  const guarded = probeApp({ REQUESTS_PER_MINUTE: "2" });
  const seen = [await guarded(path, init), await guarded(path, init), await guarded(path, init)];
  expect(seen.map((answer) => answer.status)).toEqual([status, status, 429]);
  expect((await guarded("/api/v1/probe/1")).status).toBe(429);
});

test("a signed-in user has an allowance apart from the address", async () => {
  const guarded = probeApp({ REQUESTS_PER_MINUTE: "1" });
  expect((await guarded("/api/v1/probe/1")).status).toBe(200);
  expect((await guarded("/api/v1/probe/1")).status).toBe(429);
  const { headers } = await signIn("customer");
  expect((await guarded("/api/v1/probe/1", { headers })).status).toBe(200);
  expect((await guarded("/api/v1/probe/1", { headers })).status).toBe(429);
});

test("at the declared limit the binding counts, and a broken one lets through", async () => {
  const asked: string[] = [];
  const withGuard = (limit: () => Promise<{ success: boolean }>) =>
    probeApp({
      REQUESTS_PER_MINUTE: "600",
      FLOOD_GUARD: {
        limit: ({ key }: { key: string }) => {
          asked.push(key);
          return limit();
        },
      },
    })("/api/v1/probe/1", { headers: { "CF-Connecting-IP": "192.0.2.1" } });
  expect((await withGuard(async () => ({ success: true }))).status).toBe(200);
  const refused = await withGuard(async () => ({ success: false }));
  expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "60"]);
  expect(refused.headers.get("RateLimit")).toBe('"requests";r=0;t=60');
  expect(refused.headers.get("RateLimit-Policy")).toBe('"requests";q=600;w=60');
  const warnings = vi.spyOn(console, "warn").mockImplementation(() => {});
  expect((await withGuard(() => Promise.reject(new Error("gone")))).status).toBe(200);
  expect(JSON.parse(String(warnings.mock.calls[0]?.[0]))).toMatchObject({
    message: "a rate limiter is broken: let through",
    limit: "requests",
  });
  vi.useFakeTimers();
  try {
    const answer = withGuard(() => new Promise<never>(() => {}));
    await vi.advanceTimersByTimeAsync(1000);
    expect(warnings).toHaveBeenCalledTimes(2);
    // That it is counted comes a second after the answer.
    await vi.advanceTimersByTimeAsync(1000);
    expect((await answer).status).toBe(200);
  } finally {
    vi.useRealTimers();
    warnings.mockRestore();
  }
  expect(asked).toEqual(Array(4).fill("address:192.0.2.1"));
  expect((await probeApp({ REQUESTS_PER_MINUTE: "0", FLOOD_GUARD: null })("/api/v1/probe/1")).status).toBe(
    200,
  );
});

test("what breaks is a 500 without its inside", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const answer = await ask("/api/v1/broken");
  const text = await answer.text();
  expect(answer.status).toBe(500);
  expect(JSON.parse(text)).toMatchObject({ code: "internal_error" });
  expect(text).not.toMatch(/secret|\bat |\.ts/);
});

test("a part that is away is a 503 that says try again", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  const away = [
    new Error("D1_ERROR: Network connection lost."),
    new Error("D1_ERROR: D1 DB is overloaded. Too many requests queued."),
    new Error("D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset."),
    new Error("Failed query", { cause: new Error("D1_ERROR: Network connection lost.") }),
    Object.assign(new Error("Durable Object storage"), { retryable: true }),
    Object.assign(new Error("Durable Object is busy"), { overloaded: true }),
    new Error("internal error; reference = 0123"),
  ];
  for (const error of away) {
    broken.error = error;
    const answer = await ask("/api/v1/broken");
    expect(answer.headers.get("Retry-After"), error.message).toBe("1");
    expect(await problemOf(answer)).toMatchObject({ status: 503, code: "unavailable" });
  }
  broken.error = new Error("D1_ERROR: UNIQUE constraint failed: orders.id: SQLITE_CONSTRAINT");
  expect((await ask("/api/v1/broken")).status).toBe(500);
});

test("the root names the product and where to go on", async () => {
  const root = await exports.default.fetch("http://shop.test/");
  expect(await root.json()).toMatchObject({
    name: "Holdfast",
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    docs: "/docs",
    openapi: "/openapi.json",
    health: "/health",
  });
});
