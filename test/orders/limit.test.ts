import { beforeEach, describe, expect, test } from "vitest";
import { testClock } from "../support/clock.ts";
import { basket, givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { type Answer, askUnder, countOf, levels, refusalOf } from "./ask.ts";

const FIVE = { ORDERS_PER_MINUTE: "5" };
const from = (address: string) => ({ "CF-Connecting-IP": address });
const HOME = from("192.0.2.1");
const underKey = (key: number) => ({ "Idempotency-Key": `a-guest-key-of-the-limit-${key}` });

let product: string;
beforeEach(async () => {
  product = (await givenShop([[90]])).productIds[0] ?? "";
});

const order = (headers: Record<string, string> = HOME, settings: Record<string, unknown> = FIVE, body = {}) =>
  askUnder(settings, "POST", "/orders", basket({ [product]: 1 }, body), headers);

async function statuses(times: number, ...args: Parameters<typeof order>): Promise<number[]> {
  const seen: number[] = [];
  for (let n = 0; n < times; n++) seen.push((await order(...args)).status);
  return seen;
}

const limitHeaders = ({ headers }: Answer) =>
  ["RateLimit-Policy", "RateLimit", "Retry-After"].map((name) => headers.get(name));

test("the sixth order of an address within a minute is refused, holds nothing, and is told when to come back", async () => {
  const first = await order();
  expect(limitHeaders(first)).toEqual(['"orders";q=5;w=60', '"orders";r=4;t=60', null]);
  testClock.advance(20_000);
  expect(await statuses(4)).toEqual([201, 201, 201, 201]);

  const sixth = await order();
  expect(sixth.status).toBe(429);
  expect(sixth.headers.get("content-type")).toBe("application/problem+json");
  expect(sixth.body).toMatchObject({ code: "rate_limited", retry_after: 40 });
  expect(limitHeaders(sixth)).toEqual(['"orders";q=5;w=60', '"orders";r=0;t=40', "40"]);
  expect(await countOf("orders")).toBe(5);
  expect(await countOf("claims")).toBe(5);
  expect(await levels(product)).toMatchObject({ reserved: 5 });

  testClock.advance(39_000);
  expect((await order()).status).toBe(429);
  testClock.advance(1_000);
  expect(await statuses(2)).toEqual([201, 429]);
});

test("of twelve at once exactly five are placed", async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => order()));
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(5).fill(201), ...Array(7).fill(429)]);
  expect(await levels(product)).toMatchObject({ reserved: 5 });
});

describe("whose limit it is", () => {
  test("a guest's is their address's: the one that the edge saw, an IPv6 network's as a whole", async () => {
    await statuses(5);
    for (const forged of ["X-Forwarded-For", "X-Real-IP", "True-Client-IP", "Forwarded"]) {
      expect((await order({ ...HOME, [forged]: "198.51.100.7" })).status).toBe(429);
    }
    expect((await order(from("192.0.2.2"))).status).toBe(201);
    await statuses(5, from("2001:db8:1:2::1"));
    expect((await order(from("2001:db8:1:2:ffff::2"))).status).toBe(429);
    expect((await order(from("2001:db8:1:3::1"))).status).toBe(201);
  });

  test("a user's is their own, wherever they are", async () => {
    const ada = await signIn();
    await statuses(5, { ...HOME, ...ada.headers });
    expect((await order({ ...from("192.0.2.9"), ...ada.headers })).status).toBe(429);
  });

  test("six free accounts place no order from an address that is at its limit", async () => {
    expect(await statuses(6)).toEqual([201, 201, 201, 201, 201, 429]);
    for (let account = 0; account < 6; account++) {
      const { headers } = await signIn();
      const refused = await order({ ...HOME, ...headers });
      expect([refused.status, ...limitHeaders(refused)]).toEqual([
        429,
        '"orders";q=5;w=60',
        '"orders";r=0;t=60',
        "60",
      ]);
    }
    expect(await countOf("orders")).toBe(5);
    const { headers } = await signIn();
    expect((await order({ ...from("192.0.2.9"), ...headers })).status).toBe(201);
  });

  test.each([
    ["unset", "", [3, 0], 0],
    ["larger, for an office", "8", [3, 3], 2],
    ["larger, but guests there stay as one", "8", [], 3],
    ["off", "0", [3, 3], 3],
  ])("with the address's limit %s", async (_, perAddress, accounts, guests) => {
    const settings = { ORDERS_PER_MINUTE: "3", ORDERS_PER_MINUTE_PER_ADDRESS: perAddress };
    const placed = (seen: number[]) => seen.filter((status) => status === 201).length;
    for (const most of accounts) {
      const { headers } = await signIn();
      const seen = await statuses(3, { ...HOME, ...headers }, settings);
      expect(placed(seen)).toBe(most);
    }
    expect(placed(await statuses(4, HOME, settings))).toBe(guests);
  });

  test("staff have none, and with 0 nobody has", async () => {
    for (const role of ["staff", "admin"] as const) {
      const { headers } = await signIn(role);
      expect(await statuses(6, { ...HOME, ...headers })).toEqual(Array(6).fill(201));
      expect(limitHeaders(await order({ ...HOME, ...headers }))).toEqual([null, null, null]);
    }
    expect(await statuses(6, HOME, { ORDERS_PER_MINUTE: "0" })).toEqual(Array(6).fill(201));
  });

  test("a broken limiter lets everybody through", async () => {
    const gone = { idFromName: () => "id", get: () => ({ fetch: () => Promise.reject(new Error("gone")) }) };
    expect(await statuses(6, HOME, { ...FIVE, RATE_LIMITER: gone })).toEqual(Array(6).fill(201));
  });
});

describe("what counts", () => {
  test("twins and retries of one key count once, and are answered even when nothing is left", async () => {
    const headers = { ...HOME, ...underKey(1) };
    const twins = await Promise.all(Array.from({ length: 8 }, () => order(headers)));
    expect(twins.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(await statuses(5)).toEqual([201, 201, 201, 201, 429]);
    testClock.advance(30_000);
    const again = await order(headers);
    expect([again.status, again.text]).toEqual([201, twins[0]?.text]);
    expect(await levels(product)).toMatchObject({ reserved: 5 });
  });

  test("a key that was refused for the limit alone may be sent again later", async () => {
    await statuses(5);
    const headers = { ...HOME, ...underKey(2) };
    expect((await order(headers)).status).toBe(429);
    testClock.advance(60_000);
    expect((await order(headers)).status).toBe(201);
    expect(await levels(product)).toMatchObject({ reserved: 6 });
  });

  test("what could not be read costs nothing; what was weighed and refused counts", async () => {
    const unreadable = await order(HOME, FIVE, { items: [] });
    expect(unreadable.status).toBe(422);
    expect(limitHeaders(unreadable)).toEqual([null, null, null]);

    const unknown = { items: [{ product_id: "prd_unknown", quantity: 1 }] };
    const tooMany = { items: [{ product_id: product, quantity: 91 }] };
    expect(refusalOf(await order(HOME, FIVE, unknown)).slice(0, 2)).toEqual([422, "unknown_product"]);
    expect((await order(HOME, FIVE, tooMany)).status).toBe(409);
    expect(await statuses(4)).toEqual([201, 201, 201, 429]);
  });
});
