import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { encodeCursor } from "../../src/platform/pagination.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop } from "../support/shop.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { cancel, order, read, refusalOf } from "./ask.ts";

const HOUR = 3_600_000;

let staff: SignedIn;
beforeEach(async () => {
  staff = await signIn("staff");
});

const list = (query = "", { headers } = staff) => read(`/orders${query}`, headers);
const idsOf = async (query: string, who?: SignedIn): Promise<string[]> =>
  (await list(query, who)).body.results.map(({ id }: { id: string }) => id);

/** Five orders, each a minute after the one before it, that differ in what lists filter by. */
async function givenOrders() {
  const { productIds, storeIds } = await givenShop([[50, 50]]);
  const [product = ""] = productIds;
  const [near = "", far = ""] = storeIds;
  const buyer = await signIn();
  const place = async (more: Record<string, unknown>, headers?: Record<string, string>) => {
    testClock.advance(60_000);
    return (await order(basket({ [product]: 1 }, more), headers)).body;
  };
  const customer = (email: string) => ({ customer: { name: "Bea", email } });
  const invoice = await place({ store_id: near });
  const card = await place({ store_id: far, payment_method: "card", priority: "high" });
  const bea = await place({ store_id: near, priority: "low", ...customer("Bea@Shop.Example") });
  const mine = await place({ store_id: far, ...customer("bea@shop.example") }, buyer.headers);
  const gone = await place({ store_id: far }, buyer.headers);
  await cancel(gone.id, buyer.headers);
  return { near, far, buyer, invoice, card, bea, mine, gone };
}

test("staff see all orders, newest first, without anyone's token", async () => {
  const { invoice, card, bea, mine, gone } = await givenOrders();
  const { body } = await list();
  expect(body).toMatchObject({
    count: 5,
    page: 1,
    page_size: 20,
    total_pages: 1,
    has_next: false,
    has_previous: false,
    next_cursor: null,
  });
  expect(body.results.map(({ id }: { id: string }) => id)).toEqual(
    [gone, mine, bea, card, invoice].map(({ id }) => id),
  );
  const { access_token: _, ...answered } = invoice;
  expect(body.results[4]).toEqual(answered);
});

test("buyers see their own, whatever they ask for, and guests none", async () => {
  const { buyer, mine, gone, bea } = await givenOrders();
  expect(await idsOf("", buyer)).toEqual([gone.id, mine.id]);
  expect(await idsOf("?customer_email=bea@shop.example", buyer)).toEqual([mine.id]);
  expect(await idsOf(`?q=${bea.reference}`, buyer)).toEqual([]);
  expect((await list("", buyer)).body.count).toBe(2);
  const stranger = await signIn();
  expect((await list("", stranger)).body).toMatchObject({ count: 0, total_pages: 0, results: [] });
  expect(refusalOf(await read("/orders"))).toEqual([401, "unauthenticated"]);
  expect(refusalOf(await read("/orders", { "X-Order-Token": bea.access_token }))).toEqual([
    401,
    "unauthenticated",
  ]);
});

test("each filter finds its orders and no others", async () => {
  const { near, far, invoice, card, bea, mine, gone } = await givenOrders();
  const at = ({ created_at }: { created_at: string }) => encodeURIComponent(created_at);
  const offset = (milliseconds: number, { created_at }: { created_at: string }) =>
    encodeURIComponent(new Date(Date.parse(created_at) + milliseconds).toISOString());
  const found: [string, { id: string }[]][] = [
    ["status=confirmed", [mine, bea, invoice]],
    ["status=pending", [card]],
    ["status=cancelled", [gone]],
    ["status=shipped", []],
    ["payment_status=awaiting", [card]],
    ["payment_status=none", [gone, mine, bea, invoice]],
    ["priority=high", [card]],
    ["priority=low", [bea]],
    [`store_id=${near}`, [bea, invoice]],
    [`store_id=${far}`, [gone, mine, card]],
    ["customer_email=bea@shop.example", [mine, bea]],
    ["customer_email=BEA@SHOP.EXAMPLE", [mine, bea]],
    ["customer_email=bea", []],
    [`q=${card.reference}`, [card]],
    [`q=${card.reference.slice(0, 9).toLowerCase()}`, [card]],
    ["q=bea@", [mine, bea]],
    ["q=Bea@Shop", [mine, bea]],
    ["q=shop.example", []],
    ["q=%25", []],
    ["q=_", []],
    ["q=%27%20OR%201=1%20--", []],
    [`from=${at(bea)}`, [gone, mine, bea]],
    [`to=${at(bea)}`, [bea, card, invoice]],
    [`from=${at(card)}&to=${at(bea)}`, [bea, card]],
    [`from=${offset(1, bea)}&to=${offset(-1, mine)}`, []],
    [`status=confirmed&store_id=${near}&priority=normal`, [invoice]],
    ["delayed=false", [gone, mine, bea, card, invoice]],
    ["delayed=true", []],
  ];
  for (const [query, orders] of found) {
    const { body } = await list(`?${query}`);
    expect([query, body.results.map(({ id }: { id: string }) => id)]).toEqual([
      query,
      orders.map(({ id }) => id),
    ]);
    expect([query, body.count]).toEqual([query, orders.length]);
  }
});

test("delayed are those that stand in a step for longer than the setting", async () => {
  const { mine, bea, invoice } = await givenOrders();
  testClock.advance(HOUR - 3 * 60_000);
  expect(await idsOf("?delayed=true")).toEqual([invoice.id]);
  testClock.advance(HOUR);
  expect(await idsOf("?delayed=true")).toEqual([mine.id, bea.id, invoice.id]);
});

describe("pages", () => {
  /** Seven orders, of which several came in the same millisecond. */
  async function givenSeven(): Promise<string[]> {
    const { productIds } = await givenShop([[50]]);
    for (const minutes of [0, 1, 0, 0, 1, 0, 0]) {
      testClock.advance(minutes * 60_000);
      await order(basket({ [productIds[0] ?? ""]: 1 }));
    }
    const { results } = await env.DB.prepare("SELECT id FROM orders ORDER BY created_at DESC, id DESC").all<{
      id: string;
    }>();
    return results.map(({ id }) => id);
  }

  test("by number: each order once, past the end nothing, more than 100 is 100", async () => {
    const all = await givenSeven();
    const [first, second, last] = [
      await list("?page_size=3"),
      await list("?page_size=3&page=2"),
      await list("?page_size=3&page=3"),
    ];
    expect(
      [first, second, last].flatMap(({ body }) => body.results.map(({ id }: { id: string }) => id)),
    ).toEqual(all);
    expect(second.body).toMatchObject({
      count: 7,
      page: 2,
      page_size: 3,
      total_pages: 3,
      has_next: true,
      has_previous: true,
    });
    expect(last.body).toMatchObject({ has_next: false, next_cursor: null });
    expect((await list("?page_size=3&page=4")).body).toMatchObject({
      count: 7,
      has_next: false,
      has_previous: true,
      results: [],
    });
    expect((await list("?page_size=1000")).body.page_size).toBe(100);
    expect((await list("?page=1000000")).body.results).toEqual([]);
  });

  test("by cursor: each order once, also while new ones come", async () => {
    const all = await givenSeven();
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { body } = await list(`?page_size=2${cursor === null ? "" : `&cursor=${cursor}`}`);
      seen.push(...body.results.map(({ id }: { id: string }) => id));
      if (cursor !== null) expect([body.count, body.page, body.has_previous]).toEqual([null, null, true]);
      cursor = body.next_cursor;
      testClock.advance(1_000);
      if (seen.length === 4) await givenSeven();
    } while (cursor !== null);
    expect(seen).toEqual(all);
  });

  const unreadable: [string, string][] = [
    ["cursor=garbage", "cursor"],
    ["cursor=", "cursor"],
    [`cursor=${encodeCursor({ key: "text", id: "ord_1" })}`, "cursor"],
    [`cursor=${btoa('[1e999,"x"]')}`, "cursor"],
    [`cursor=${btoa("[1]")}`, "cursor"],
    ["page=0", "page"],
    ["page=-1", "page"],
    ["page=1.5", "page"],
    ["page=1000001", "page"],
    ["page=one", "page"],
    ["page=1&page=2", "page"],
    ["page_size=0", "page_size"],
    ["page_size=ten", "page_size"],
    ["status=lost", "status"],
    ["status=", "status"],
    ["status=pending&status=confirmed", "status"],
    ["payment_status=1", "payment_status"],
    ["priority=urgent", "priority"],
    ["delayed=yes", "delayed"],
    ["from=yesterday", "from"],
    ["from=2026-02-30T00:00:00Z", "from"],
    ["to=1760000000", "to"],
    [`q=${"x".repeat(255)}`, "q"],
    [`customer_email=${"x".repeat(255)}`, "customer_email"],
    [`store_id=${"x".repeat(65)}`, "store_id"],
  ];
  test.each(unreadable)("%s is unreadable", async (query, field) => {
    expect(refusalOf(await list(`?${query}`))).toEqual([400, "invalid_query", field]);
  });

  test("U+0000 in a query is unreadable, and what nobody knows is refused", async () => {
    expect(refusalOf(await list("?q=a%00b"))).toEqual([400, "invalid_query"]);
    expect(refusalOf(await list("?whatever=1&sort=;DROP"))).toEqual([
      400,
      "unknown_field",
      "whatever",
      "sort",
    ]);
  });
});
