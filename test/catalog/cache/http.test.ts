import { beforeEach, expect, test, vi } from "vitest";
import { givenCatalog } from "../../support/catalog.ts";
import { testClock } from "../../support/clock.ts";
import { signIn } from "../../support/sign-in.ts";
import { newIsolate } from "./isolate.ts";

/** What HTTP caches are told, and what nobody can make ours say to another. */

let catalog: Awaited<ReturnType<typeof givenCatalog>>;
beforeEach(async () => {
  catalog = await givenCatalog({ products: 2 });
  await givenCatalog({ products: 1, active: false });
});

const GUESTS = "public, max-age=10, stale-while-revalidate=30";

test("what a client has already is a 304 with the same headers, from memory and before", async () => {
  const { visit } = newIsolate();
  const paths = [
    "/products",
    "/categories",
    "/stores",
    `/categories/${catalog.categoryIds[0]}`,
    `/stores/${catalog.storeIds[0]}`,
  ];
  for (const path of paths) {
    const { answer } = await newIsolate().visit(path);
    const etag = answer.headers.get("ETag") ?? "none";
    expect(etag, path).toMatch(/^"[0-9a-f]+"$/);
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const unchanged = (await visit(path, { headers: { "If-None-Match": given } })).answer;
      expect([unchanged.status, unchanged.text], path).toEqual([304, ""]);
      for (const name of ["ETag", "Cache-Control", "Vary"]) {
        expect(unchanged.headers.get(name), name).toBe(answer.headers.get(name));
      }
    }
    const changed = (await visit(path, { headers: { "If-None-Match": '"other"' } })).answer;
    expect([changed.status, changed.text]).toEqual([200, answer.text]);
  }
});

test("a list's ETag is its bytes', a thing's its version", async () => {
  const { visit } = newIsolate();
  const tag = async (path: string) => (await visit(path)).answer.headers.get("ETag");
  expect(await tag("/products")).not.toBe(await tag("/products?sort=price_asc&page=2"));
  expect(await tag(`/stores/${catalog.storeIds[0]}`)).toBe('"1"');
});

test("HEAD has the headers of GET and no body", async () => {
  const { visit } = newIsolate();
  for (let n = 0; n < 2; n++) {
    const { answer } = await visit("/products", { method: "HEAD" });
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect(answer.headers.get("Cache-Control")).toBe(GUESTS);
    expect(answer.headers.get("ETag")).toMatch(/^"[0-9a-f]{32}"$/);
  }
  expect((await visit("/products")).answer.body.results).toHaveLength(2);
});

test("guests' answers are public, a customer's are his own, and staff's are kept by nobody", async () => {
  const { visit } = newIsolate();
  const control = async (headers: Record<string, string> = {}) => {
    const { answer } = await visit("/products", { headers });
    expect(answer.headers.get("Vary")).toBe("Authorization, Origin");
    return answer.headers.get("Cache-Control");
  };
  for (let n = 0; n < 2; n++) {
    expect(await control((await signIn("staff")).headers)).toBe("private, no-store");
    expect(await control((await signIn("customer")).headers)).toBe(
      "private, max-age=10, stale-while-revalidate=30",
    );
    expect(await control()).toBe(GUESTS);
  }
});

test("refusals are kept by nobody", async () => {
  const { visit } = newIsolate();
  for (const path of ["/products?page=x", "/products?active=all", "/stores/none", "/nothing"]) {
    const { answer } = await visit(path);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers.get("Cache-Control"), path).toBe("no-store");
  }
});

test("what staff see of what is archived reaches nobody else", async () => {
  const { visit } = newIsolate();
  const { headers } = await signIn("staff");
  const path = "/products?active=all";
  expect((await visit(path, { headers })).answer.body.results).toHaveLength(3);
  expect((await visit("/products", { headers })).answer.body.results).toHaveLength(2);
  expect((await visit(path)).answer.status).toBe(401);
  expect((await visit(path, { headers: (await signIn("customer")).headers })).answer.status).toBe(403);
  expect((await visit("/products")).answer.body.results).toHaveLength(2);
});

test("a bad credential is refused, whatever memory has", async () => {
  const { visit } = newIsolate();
  await visit("/products");
  const { answer } = await visit("/products", { headers: { Authorization: "Bearer forged" } });
  expect(answer.status).toBe(401);
});

test("nothing of one request is in another's answer", async () => {
  const { visit } = newIsolate({ CORS_ORIGINS: "https://shop.example" });
  const hostile = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Original-URL": "/api/v1/stores",
    "X-Request-Id": "evil-1",
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    Origin: "https://shop.example",
    "Accept-Language": "xx",
    Cookie: "a=b",
  };
  for (let n = 0; n < 2; n++) await visit("/products", { headers: hostile, host: "evil.example" });
  const { answer } = await visit("/products");
  const clean = (await newIsolate().visit("/products")).answer;
  expect(answer.text).toBe(clean.text);
  const names = ({ headers }: typeof clean) => [...headers.keys()];
  expect(names(answer)).toEqual(names(clean));
  expect(JSON.stringify([...answer.headers])).not.toMatch(/evil|shop\.example|4bf92f35/);
  expect(answer.headers.get("X-Request-Id")).toMatch(/^[0-9a-z]{26}$/);
  // A cache between would repeat to others what a caller sent.
  const own = (await visit("/products", { headers: hostile })).answer;
  expect(JSON.stringify([...own.headers])).not.toMatch(/evil|4bf92f35/);
});

test("a host that is not served is refused, whatever memory has", async () => {
  const { visit } = newIsolate({ ALLOWED_HOSTS: "shop.test" });
  for (let n = 0; n < 2; n++) expect((await visit("/products")).answer.status).toBe(200);
  expect((await visit("/products", { host: "evil.example" })).answer.status).toBe(421);
});

test("the flood guard counts what memory answers", async () => {
  const { visit } = newIsolate({ REQUESTS_PER_MINUTE: "3" });
  const statuses: number[] = [];
  for (let n = 0; n < 4; n++) statuses.push((await visit("/products")).answer.status);
  expect(statuses).toEqual([200, 200, 200, 429]);
});

test("an answer that memory had has every header that others have", async () => {
  const { visit } = newIsolate();
  const [made, kept] = [(await visit("/products")).answer, (await visit("/products")).answer];
  expect([...kept.headers.keys()]).toEqual([...made.headers.keys()]);
  for (const name of ["Content-Security-Policy", "X-Content-Type-Options", "Strict-Transport-Security"]) {
    expect(kept.headers.get(name), name).toBeTruthy();
  }
});

test("the log tells once a second how often memory answered", async () => {
  const lines = vi.spyOn(console, "info").mockImplementation(() => {});
  const { visit } = newIsolate();
  for (let n = 0; n < 4; n++) await visit("/products");
  testClock.advance(999);
  const etag = (await visit("/products")).answer.headers.get("ETag") ?? "";
  await visit("/products", { headers: { "If-None-Match": etag } });
  testClock.advance(1);
  await visit("/products");
  await visit("/nothing");
  const told = lines.mock.calls.map(([line]) => JSON.parse(String(line)));
  lines.mockRestore();
  const route = "/api/v1/products";
  expect(told.map(({ message }) => message)).toEqual([
    "answered",
    "answered from memory",
    "answered from memory",
    "answered",
  ]);
  expect(told[0]).toMatchObject({ route, status: 200 });
  expect(told[1]).toMatchObject({ route, status: 200, count: 4, period_ms: 1000 });
  expect(told[2]).toMatchObject({ route, status: 304, count: 1, period_ms: 1000 });
  expect(told[3]).toMatchObject({ status: 404 });
});
