import { beforeEach, expect, test } from "vitest";
import { get, openStock, post } from "../support/shop.ts";
import { outcomeOf } from "./outcomes.ts";
import { givenWorld, type World } from "./routes.ts";

/** A filter that names nothing, or a range that is none, is refused on every list: an empty page would say less. */

let world: World;
beforeEach(async () => {
  world = await givenWorld();
});

const REFUSED: [path: string, expected: string][] = [
  ["/orders?store_id=sto_x", "422 unknown_store store_id"],
  ["/orders?store_id=sto_x&status=pending&customer_email=a@b.c", "422 unknown_store store_id"],
  ["/orders?store_id=sto_x&q=ORD", "422 unknown_store store_id"],
  ["/inventory?store_id=sto_x", "422 unknown_store store_id"],
  ["/inventory?store_id=sto_x&low_stock=true", "422 unknown_store store_id"],
  ["/search/products?store_id=sto_x", "422 unknown_store store_id"],
  ["/search/products?store_id=sto_x&in_stock=true", "422 unknown_store store_id"],
  ["/search/products?q=mug&store_id=sto_x", "422 unknown_store store_id"],
  ["/search/products?category=nothing", "422 unknown_category category"],
  ["/search/products?category=nothing&q=mug", "422 unknown_category category"],
  ["/search/products?category=nothing&q=mug&sort=price_asc", "422 unknown_category category"],
  ["/search/products?category=nothing&q=%21%21", "422 unknown_category category"],
  ["/search/products?category=nothing&min_price=1&max_price=2", "422 unknown_category category"],
  ["/search/products?category=nothing&store_id=sto_x", "422 unknown_category category"],
  ["/products?category=nothing", "422 unknown_category category"],
  ["/products?category=nothing&active=all", "422 unknown_category category"],
  ["/products?category=nothing&active=false&sort=price_asc", "422 unknown_category category"],
  ["/orders?from=2026-11-21&to=2026-11-20", "422 invalid_range to"],
  ["/orders?from=2026-11-20T12:00:01Z&to=2026-11-20T12:00:00Z", "422 invalid_range to"],
  ["/orders/statistics?from=2026-11-21&to=2026-11-20", "422 invalid_range to"],
  ["/orders/statistics?from=2026-11-20T12:00:01Z&to=2026-11-20T12:00:00Z", "422 invalid_range to"],
  ["/search/products?min_price=2&max_price=1.99", "422 invalid_range max_price"],
  ["/orders?status=pending,lost", "400 invalid_query status"],
  ["/orders?status=", "400 invalid_query status"],
  ["/orders?status=pending,", "400 invalid_query status"],
  ["/orders?from=20.11.2026", "400 invalid_query from"],
  ["/orders?from=2026-02-30", "400 invalid_query from"],
  ["/orders?from=2026-11-20T12:00:00", "400 invalid_query from"],
  ["/orders?status=pending&status=confirmed", "400 invalid_query status"],
  ["/products?page=1&page=2", "400 invalid_query page"],
  ["/search/suggest?q=mug&q=cup", "400 invalid_query q"],
];

test.each(["customer", "staff"] as const)("what is refused to a %s", async (who) => {
  const seen: string[] = [];
  const isFor = (path: string) => who === "staff" || !/^\/inventory|statistics|active=/.test(path);
  for (const [path] of REFUSED.filter(([path]) => isFor(path))) {
    seen.push(`${path}: ${await outcomeOf({ method: "GET", path, headers: world[who].headers })}`);
  }
  expect(seen).toEqual(REFUSED.filter(([path]) => isFor(path)).map((line) => line.join(": ")));
});

test("what is named and has nothing is an empty page", async () => {
  const { otherStoreId, categoryId, staff } = world;
  const empty = [
    `/orders?store_id=${otherStoreId}`,
    `/search/products?category=${categoryId}&q=zzzz`,
    `/search/products?category=${categoryId}&q=%21%21`,
    `/search/products?store_id=${otherStoreId}&in_stock=true`,
    `/products?category=${categoryId}&active=false`,
    "/orders?from=2026-11-20&to=2026-11-20&status=expired",
    "/search/products?min_price=7&max_price=7",
  ];
  for (const path of empty) {
    const answer = await get(path, staff.headers);
    expect([path, answer.status, (await answer.json<{ results: unknown[] }>()).results]).toEqual([
      path,
      200,
      [],
    ]);
  }
});

test("an unknown store is told anew to each, and not when it is there at last", async () => {
  const path = "/search/products?store_id=sto_new&category=nothing";
  for (const _ of [1, 2])
    expect(await outcomeOf({ method: "GET", path })).toBe("422 unknown_category category");
  await openStock(world.productId, [{ store_id: world.otherStoreId, quantity: 1 }]);
  const found = await get(`/search/products?store_id=${world.otherStoreId}`);
  expect(found.status).toBe(200);
});

test("a parameter that is given twice is told so", async () => {
  const answer = await get("/orders?status=pending&status=confirmed&status=shipped", world.staff.headers);
  expect(await answer.json()).toMatchObject({
    errors: [
      {
        field: "status",
        code: "repeated",
        message: "is given 3 times: give it once, a list with commas between",
      },
    ],
  });
});

test("status, payment_status and priority take several values, each once", async () => {
  const count = async (query: string) =>
    (await (await get(`/orders?${query}`, world.staff.headers)).json<{ count: number }>()).count;
  const all = await count("page_size=100");
  expect(all).toBeGreaterThan(1);
  expect(await count("status=pending,confirmed,processing")).toBe(all);
  expect(await count("status=confirmed,confirmed,%20processing")).toBe(all);
  expect(await count("status=pending,cancelled")).toBe(0);
  expect(await count("payment_status=none,paid&priority=low,normal&status=confirmed,processing")).toBe(all);
  expect(await count("payment_status=paid,failed")).toBe(0);
  const { customer, storeId } = world;
  const other = `customer_email=ada@shop.example&store_id=${storeId}`;
  expect(await count(`${other}&status=confirmed,processing`)).toBe(await count(other));
  expect(await count(`${other}&status=pending,cancelled`)).toBe(0);
  const own = await get("/orders?status=confirmed,processing", customer.headers);
  expect((await own.json<{ count: number }>()).count).toBe(all);
});

test("a country that ISO does not have is refused, with the one that was meant", async () => {
  const { headers } = world.staff;
  const told = async (country: string) => {
    const answer = await post("/stores", { name: "S", country }, headers);
    if (answer.status === 201) return (await answer.json<{ country: string }>()).country;
    return (await answer.json<{ errors: { message: string }[] }>()).errors[0]?.message;
  };
  expect(await told("UK")).toBe("is not an ISO 3166-1 alpha-2 code: did you mean GB?");
  expect(await told("el")).toBe("is not an ISO 3166-1 alpha-2 code: did you mean GR?");
  expect(await told("ZZ")).toBe("is not an ISO 3166-1 alpha-2 code, such as NL");
  expect(await told("gb")).toBe("GB");
});
