import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { stockOf } from "../../src/inventory/client.ts";
import { Boundary } from "../chaos/boundary.ts";
import { brokenInvariants } from "../chaos/invariants.ts";
import { outcomeOf, send } from "../chaos/stage.ts";
import { testClock } from "../support/clock.ts";
import { basket, get, givenShop, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { askUnder, countOf } from "./ask.ts";

interface Result {
  index: number;
  status: "created" | "rejected" | "invalid";
  order?: { id: string; reference: string; status: string; access_token?: string };
  problem?: { status: number; code: string; errors?: Record<string, unknown>[]; order?: { id: string } };
}

interface Report {
  batch_id: string;
  created: number;
  rejected: number;
  results: Result[];
  code?: string;
  errors?: Record<string, unknown>[];
}

const KEY = { "Idempotency-Key": "a-guest-key-for-a-whole-bulk" };

async function bulk(orders: unknown[], more: Record<string, unknown> = {}, headers = {}) {
  const response = await post("/orders/bulk", { orders, ...more }, headers);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as Report };
}

async function mustHold(stock: Record<string, number>): Promise<void> {
  expect(await brokenInvariants(new Map(Object.entries(stock)), { calm: false })).toEqual([]);
}

const reserved = async (productId: string) => (await stockOf(env, productId).levels()).reserved;

describe("a bulk of independent orders", () => {
  test("places what it can, and says of each of the others why not", async () => {
    const { productIds } = await givenShop([[5], [1]]);
    const [apple = "", pear = ""] = productIds;
    const { status, body } = await bulk([
      basket({ [apple]: 2 }),
      basket({ [pear]: 2 }),
      basket({ [apple]: 0 }),
      basket({ prd_nobodys: 1 }),
      basket({ [apple]: 1 }, { expected_total: "1.00" }),
      "no order",
      basket({ [apple]: 1, [pear]: 1 }),
    ]);
    expect(status).toBe(200);
    expect(body).toMatchObject({ created: 2, rejected: 5 });
    expect(body.results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(body.results).toMatchObject([
      { status: "created", order: { status: "confirmed", access_token: expect.any(String) } },
      {
        status: "rejected",
        problem: {
          status: 409,
          code: "insufficient_stock",
          errors: [{ product_id: pear, requested: 2, available: 1 }],
        },
      },
      { status: "invalid", problem: { status: 422, errors: [{ field: "items.0.quantity" }] } },
      { status: "rejected", problem: { status: 422, code: "unknown_product" } },
      { status: "rejected", problem: { status: 409, code: "price_changed" } },
      { status: "invalid", problem: { status: 422, code: "invalid_body" } },
      { status: "created", order: { status: "confirmed" } },
    ]);
    expect([await reserved(apple), await reserved(pear)]).toEqual([3, 1]);
    await mustHold({ [apple]: 5, [pear]: 1 });
  });

  test("is found again by its id: what was placed, and what fell short", async () => {
    const { productIds } = await givenShop([[1]]);
    const [apple = ""] = productIds;
    const { body } = await bulk([basket({ [apple]: 1 }), basket({ [apple]: 1 })]);
    await bulk([basket({ [apple]: 1 })]);
    const { headers } = await signIn("staff");
    const list = await (await get(`/orders?batch_id=${body.batch_id}`, headers)).json<{
      results: { id: string; status: string }[];
    }>();
    expect(list.results.map(({ status }) => status).sort()).toEqual(["confirmed", "rejected"]);
    expect(list.results.map(({ id }) => id).sort()).toEqual(
      [body.results[0]?.order?.id, body.results[1]?.problem?.order?.id].sort(),
    );
  });

  test("of 500 makes one call a product and two to D1, whatever their size", async () => {
    const { productIds } = await givenShop([[300], [1_000]]);
    const [apple = "", pear = ""] = productIds;
    // More than one parameter can carry.
    const notes = "n".repeat(2_000);
    const metadata = { note: "m".repeat(3_000) };
    const orders = Array.from({ length: 500 }, () => basket({ [apple]: 1, [pear]: 1 }, { notes, metadata }));
    const boundary = new Boundary();
    // A guest's body may have a megabyte.
    const { headers } = await signIn();
    const sent = send(boundary, "/orders/bulk", { orders }, { ...KEY, ...headers });
    const response = await outcomeOf(sent, boundary);
    const body = await response?.json<Report>();
    expect(body).toMatchObject({ created: 300, rejected: 200 });
    expect(body?.results.map(({ status }) => status)).toEqual([
      ...Array(300).fill("created"),
      ...Array(200).fill("rejected"),
    ]);
    const calls = Map.groupBy(boundary.calls, (call) => call);
    expect(Object.fromEntries([...calls].map(([call, all]) => [call, all.length]))).toEqual({
      // The third tells whether those who hold the units in the way may yet let go.
      // The session; placing.
      "D1.first": 1,
      "D1.batch": 2,
      "D1.all": 1,
      "Stock.reserve": 2,
      "Stock.follow": 2,
      "notifications.sendBatch": 3,
    });
    expect([await countOf("orders"), await reserved(apple), await reserved(pear)]).toEqual([500, 300, 300]);
    await mustHold({ [apple]: 300, [pear]: 1_000 });
  });

  test("hands on what one of it held that fell itself", async () => {
    const { productIds } = await givenShop([[1], [0]]);
    const [apple = "", pear = ""] = productIds;
    const { body } = await bulk([basket({ [apple]: 1, [pear]: 1 }), basket({ [apple]: 1 })]);
    expect(body.results.map(({ status }) => status)).toEqual(["rejected", "created"]);
    expect(await reserved(apple)).toBe(1);
    await mustHold({ [apple]: 1, [pear]: 0 });
  });

  test("is answered again under its key, byte for byte, and another bulk under it is refused", async () => {
    const { productIds } = await givenShop([[1]]);
    const [apple = ""] = productIds;
    const orders = [basket({ [apple]: 1 }), basket({ [apple]: 1 })];
    const first = await bulk(orders, {}, KEY);
    const again = await bulk(orders, {}, KEY);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect([again.status, again.text]).toEqual([200, first.text]);
    const other = await bulk(orders.toReversed(), { mode: "all_or_nothing" }, KEY);
    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
    expect(await countOf("orders")).toBe(2);
  });

  test("of another body under its key is refused before anything is held, however much of it was read", async () => {
    const { productIds } = await givenShop([[9]]);
    const [apple = ""] = productIds;
    const one = basket({ [apple]: 1 });
    expect((await bulk([one, "wrong"], {}, KEY)).body).toMatchObject({ created: 1 });
    for (const orders of [[one, one, one], ["wrong", one], [one]]) {
      const other = await bulk(orders, {}, KEY);
      expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
    }
    expect((await post("/orders", one, KEY)).status).toBe(422);
    expect([await countOf("orders"), await reserved(apple)]).toEqual([1, 1]);
  });

  test("under the key of a single order, or of one, is another request", async () => {
    const { productIds } = await givenShop([[9]]);
    const [apple = ""] = productIds;
    const one = basket({ [apple]: 1 });
    expect((await post("/orders", one, KEY)).status).toBe(201);
    expect((await bulk([one], {}, KEY)).status).toBe(422);
    const itsFirst = { "Idempotency-Key": `${KEY["Idempotency-Key"]}#0` };
    expect((await post("/orders", one, itsFirst)).status).toBe(201);
    expect(await countOf("orders")).toBe(2);
  });

  test("under a used key counts against the limit", async () => {
    const { productIds } = await givenShop([[99]]);
    const [apple = ""] = productIds;
    const one = basket({ [apple]: 1 });
    const ask = (path: string, body: unknown, headers = KEY) =>
      askUnder({ ORDERS_PER_MINUTE: "3" }, "POST", path, body, headers);
    expect((await ask("/orders", one)).status).toBe(201);
    expect((await ask("/orders/bulk", { orders: [one, one] })).status).toBe(422);
    expect((await ask("/orders", one, { "Idempotency-Key": "another-key-of-this-guest" })).status).toBe(429);
    expect(await countOf("orders")).toBe(1);
  });

  test("counts each of its orders against the limit, wrong ones too", async () => {
    const { productIds } = await givenShop([[9]]);
    const [apple = ""] = productIds;
    const limited = (orders: unknown[]) =>
      askUnder({ ORDERS_PER_MINUTE: "3" }, "POST", "/orders/bulk", { orders }, {});
    const one = basket({ [apple]: 1 });
    const never = await limited([one, one, one, one]);
    expect([never.status, never.body.retry_after]).toEqual([429, 60]);
    expect(never.body.detail).toContain("of 4 orders is more than the 3 a minute");
    expect(await countOf("orders")).toBe(0);
    expect((await limited([one, "wrong", one, one])).status).toBe(429);
    testClock.advance(60_000);
    expect((await limited([one, "wrong", one])).status).toBe(200);
    const fourth = await limited([one]);
    expect(fourth.status).toBe(429);
    expect(fourth.body).toMatchObject({
      code: "rate_limited",
      detail: "Too many requests: try again in 60 seconds.",
    });
  });

  test.each([
    ["independent", 200],
    ["all_or_nothing", 422],
  ])("of nothing but wrong ones counts too: %s", async (mode, status) => {
    const ask = () =>
      askUnder({ ORDERS_PER_MINUTE: "3" }, "POST", "/orders/bulk", { orders: ["wrong", {}], mode }, {});
    expect([(await ask()).status, (await ask()).status]).toEqual([status, 429]);
  });

  test.each([
    ["none", { orders: [] }, "orders"],
    ["more than 500", { orders: Array(501).fill({}) }, "orders"],
    ["more than 100 together", { orders: Array(101).fill({}), mode: "all_or_nothing" }, "orders"],
    ["another mode", { orders: [{}], mode: "some" }, "mode"],
    ["no list", { orders: {} }, "orders"],
  ])("takes %s for wrong", async (_, body, field) => {
    const response = await post("/orders/bulk", body);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: "invalid_body", errors: [{ field }] });
  });

  test("names no more products than one request may ask", async () => {
    const items = Array.from({ length: 100 }, (_, index) => index);
    const orders = Array.from({ length: 10 }, (_, order) =>
      basket(Object.fromEntries(items.map((item) => [`prd_${order}_${item}`, 1]))),
    );
    const most = await bulk([...orders, orders[0]]);
    expect([most.status, most.body.rejected]).toEqual([200, 11]);
    const { status, body } = await bulk([...orders, basket({ prd_more: 1 })]);
    expect([status, body.code]).toEqual([422, "too_many_products"]);
  });
});

describe("a bulk of all or nothing", () => {
  const ALL = { mode: "all_or_nothing" };

  test("is 201 with all of them", async () => {
    const { productIds } = await givenShop([[2], [1]]);
    const [apple = "", pear = ""] = productIds;
    const { status, body } = await bulk([basket({ [apple]: 1 }), basket({ [apple]: 1, [pear]: 1 })], ALL);
    expect(status).toBe(201);
    expect(body).toMatchObject({ created: 2, rejected: 0 });
    expect([await reserved(apple), await reserved(pear)]).toEqual([2, 1]);
  });

  test("is 409 where one falls short: what was in the way is told, nothing is held, and its key repeats it", async () => {
    const { productIds } = await givenShop([[2], [0]]);
    const [apple = "", pear = ""] = productIds;
    const orders = [basket({ [apple]: 1 }), basket({ [apple]: 1, [pear]: 1 })];
    const first = await bulk(orders, ALL, KEY);
    expect(first.status).toBe(409);
    expect(first.headers.get("content-type")).toBe("application/problem+json");
    expect(first.body).toMatchObject({ code: "not_all_placed", created: 0, rejected: 2 });
    expect(first.body.results.map(({ problem }) => problem?.code)).toEqual([
      "others_not_placed",
      "insufficient_stock",
    ]);
    await expect.poll(() => reserved(apple)).toBe(0);
    await mustHold({ [apple]: 2, [pear]: 0 });
    const again = await bulk(orders, ALL, KEY);
    expect(again.status).toBe(409);
    expect(again.body.results).toEqual(first.body.results);
  });

  test("is 409 where one is refused, and holds nothing meanwhile", async () => {
    const { productIds } = await givenShop([[2]]);
    const [apple = ""] = productIds;
    const boundary = new Boundary();
    const orders = [basket({ [apple]: 1 }), basket({ prd_nobodys: 1 })];
    const response = await outcomeOf(send(boundary, "/orders/bulk", { orders, ...ALL }, KEY), boundary);
    const body = await response?.json<Report>();
    expect(response?.status).toBe(409);
    expect(body?.results.map(({ problem }) => problem?.code)).toEqual([
      "others_not_placed",
      "unknown_product",
    ]);
    expect(boundary.calls.filter((call) => call.startsWith("Stock"))).toEqual([]);
    expect(await countOf("orders")).toBe(0);
  });

  test("is 422 where one is wrong, and names its field", async () => {
    const { productIds } = await givenShop([[2]]);
    const [apple = ""] = productIds;
    const { status, body } = await bulk([basket({ [apple]: 1 }), basket({ [apple]: 0 }), null], ALL);
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ field: "orders.1.items.0.quantity" }, { field: "orders.2" }]);
  });
});
