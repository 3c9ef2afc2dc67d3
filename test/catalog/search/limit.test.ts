import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { sha256 } from "../../../src/platform/ids.ts";
import { askUnder } from "../../orders/ask.ts";
import { testClock } from "../../support/clock.ts";
import { signIn } from "../../support/sign-in.ts";
import { givenProducts } from "./given.ts";

const TWENTY = { SUGGESTIONS_PER_MINUTE: "20" };
const HOME = { "CF-Connecting-IP": "192.0.2.1" };

beforeEach(async () => {
  await givenProducts([{ title: "Blue mug" }]);
});

const suggest = (
  headers: Record<string, string> = HOME,
  settings: Record<string, unknown> = TWENTY,
  q = "blu",
) => askUnder(settings, "GET", `/search/suggest?q=${q}`, undefined, headers);

async function statuses(times: number, ...args: Parameters<typeof suggest>): Promise<number[]> {
  const seen: number[] = [];
  for (let n = 0; n < times; n++) seen.push((await suggest(...args)).status);
  return seen;
}

const ALL_TWENTY = Array<number>(20).fill(200);

test("the 21st of an address in any sixty seconds is refused: at 59 still, at 61 no more", async () => {
  const first = await suggest();
  expect(["RateLimit-Policy", "RateLimit", "Retry-After"].map((name) => first.headers.get(name))).toEqual([
    '"suggestions";q=20;w=60',
    '"suggestions";r=19;t=60',
    null,
  ]);
  expect(await statuses(19)).toEqual(ALL_TWENTY.slice(1));
  const refused = await suggest();
  expect(refused.status).toBe(429);
  expect(refused.headers.get("content-type")).toBe("application/problem+json");
  expect(refused.body).toMatchObject({ status: 429, code: "rate_limited", retry_after: 60 });
  expect(refused.headers.get("Retry-After")).toBe("60");
  expect(refused.headers.get("RateLimit")).toBe('"suggestions";r=0;t=60');

  testClock.advance(59_000);
  expect((await suggest()).body).toMatchObject({ code: "rate_limited", retry_after: 1 });
  testClock.advance(2_000);
  expect(await statuses(21)).toEqual([...ALL_TWENTY, 429]);
});

test("the window slides: it is any sixty seconds, and not a minute by the clock", async () => {
  expect(await statuses(10)).toEqual(ALL_TWENTY.slice(10));
  testClock.advance(30_000);
  expect(await statuses(11)).toEqual([...ALL_TWENTY.slice(10), 429]);
  testClock.advance(31_000);
  // Ten left a second ago; those of second 30 stay until 90.
  expect(await statuses(11)).toEqual([...ALL_TWENTY.slice(10), 429]);
  expect((await suggest()).body.retry_after).toBe(29);
});

test("it survives the limiter's eviction, after idle seconds", async () => {
  await statuses(20);
  testClock.advance(15_000);
  const name = `suggestions:${await sha256("address:192.0.2.1")}`;
  await evictDurableObject(env.RATE_LIMITER.get(env.RATE_LIMITER.idFromName(name)));
  expect((await suggest()).body).toMatchObject({ code: "rate_limited", retry_after: 45 });
});

test("of thirty at once exactly twenty are answered", async () => {
  const answers = await Promise.all(Array.from({ length: 30 }, () => suggest()));
  expect(answers.map(({ status }) => status).sort()).toEqual([...ALL_TWENTY, ...Array(10).fill(429)]);
});

test("it is the address's that the edge saw: forged headers, users and roles change nothing", async () => {
  await statuses(20);
  const forgeries = [
    ...["X-Forwarded-For", "X-Real-IP", "True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP"],
    ...["CF-Connecting-IPv6", "CF-Pseudo-IPv4", "Fastly-Client-IP", "X-Original-Forwarded-For"],
  ].map((name) => ({ [name]: "198.51.100.7" }));
  for (const forged of [...forgeries, { Forwarded: "for=198.51.100.7" }, { Via: "1.1 198.51.100.7" }]) {
    expect([forged, (await suggest({ ...HOME, ...forged })).status]).toEqual([forged, 429]);
  }
  expect((await suggest({ ...HOME, ...(await signIn("staff")).headers })).status).toBe(429);
  expect((await suggest({ "CF-Connecting-IP": "192.0.2.2" })).status).toBe(200);
  expect(await statuses(20, { "CF-Connecting-IP": "2001:db8:1:2::1" })).toEqual(ALL_TWENTY);
  expect((await suggest({ "CF-Connecting-IP": "2001:db8:1:2:ffff::2" })).status).toBe(429);
  expect((await suggest({ "CF-Connecting-IP": "2001:db8:1:3::1" })).status).toBe(200);
});

test("what is too short costs nothing; with 0 there is no limit; a broken limiter lets through", async () => {
  expect(await statuses(25, HOME, TWENTY, "bl")).toEqual(Array(25).fill(400));
  expect(await statuses(20)).toEqual(ALL_TWENTY);
  expect(await statuses(21, HOME, { SUGGESTIONS_PER_MINUTE: "0" })).toEqual([...ALL_TWENTY, 200]);
  const gone = { idFromName: () => "id", get: () => ({ fetch: () => Promise.reject(new Error("gone")) }) };
  expect(await statuses(2, HOME, { ...TWENTY, RATE_LIMITER: gone })).toEqual([200, 200]);
});
