import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { listScarceProducts } from "../../src/inventory/projection/list-scarce.ts";
import { listStoreInventory } from "../../src/inventory/projection/list-store.ts";
import { summariseInventory } from "../../src/inventory/projection/summary.ts";
import type { Context } from "../../src/platform/context.ts";
import { encodeCursor, type PageQuery } from "../../src/platform/pagination.ts";
import { api, STAMP } from "../catalog/api.ts";
import { testContext } from "../events/context.ts";
import { givenCatalog } from "../support/catalog.ts";
import { givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { type Cost, planOf, watchedDb } from "../support/watched-db.ts";
import { crowd, givenLevels, report } from "./reports.ts";

let staff: Record<string, string>;
beforeEach(async () => {
  staff = (await signIn("staff")).headers;
});

const retitle = (...titles: [string | undefined, string][]) =>
  env.DB.batch(
    titles.map(([id, title]) =>
      env.DB.prepare("UPDATE products SET title = ?2 WHERE id = ?1").bind(id, title),
    ),
  );
const titlesIn = async (store: string | undefined, query = "") =>
  (await api("GET", `/stores/${store}/inventory${query}`)).body.results.map(
    ({ product_title }: { product_title: string }) => product_title,
  );

describe("a store's inventory", () => {
  test("stands as people sort titles, by number and from cursor to cursor", async () => {
    const sorted = [
      "Äpfel",
      "Birnen",
      "éclair",
      "item 9",
      "Item 10",
      "Łódź",
      "lolly",
      "Öfen",
      "Oil",
      "Zebra",
    ];
    const { productIds, storeIds } = await givenLevels(sorted.map(() => [1]));
    for (const [index, title] of sorted.toReversed().entries()) {
      const renamed = await api("PATCH", `/products/${productIds[index]}`, staff, { title });
      expect(renamed.status).toBe(200);
    }
    expect(await titlesIn(storeIds[0])).toEqual(sorted);
    expect(await titlesIn(storeIds[0], "?page=2&page_size=4")).toEqual(sorted.slice(4, 8));
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const path: string = `/stores/${storeIds[0]}/inventory?page_size=3${cursor && `&cursor=${cursor}`}`;
      const { results, next_cursor } = (await api("GET", path)).body;
      seen.push(...results.map(({ product_title }: { product_title: string }) => product_title));
      cursor = next_cursor;
    }
    expect(seen).toEqual(sorted);
  });

  test("is what it ever had of each product on sale, by title, for anyone", async () => {
    const { productIds, storeIds } = await givenLevels([
      [5, 1],
      [0, null],
      [7, 7],
      [null, 3],
      [9, 9],
    ]);
    await retitle([productIds[0], "zebra"], [productIds[1], "Apple"], [productIds[2], "apple pie"]);
    await api("DELETE", `/products/${productIds[4]}`, staff);
    const { status, body } = await api("GET", `/stores/${storeIds[0]}/inventory`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ count: 3, page: 1, total_pages: 1, has_next: false, next_cursor: null });
    expect(body.results).toEqual(
      [
        [productIds[1], "Apple", 0],
        [productIds[2], "apple pie", 7],
        [productIds[0], "zebra", 5],
      ].map(([product_id, product_title, quantity]) => ({
        ...{ product_id, product_title, quantity, available: quantity },
        price: { amount: "19.99", currency: "USD" },
        category_name: expect.stringMatching(/^Category 1/),
        updated_at: expect.stringMatching(STAMP),
      })),
    );
    expect(await titlesIn(storeIds[1])).toEqual(["apple pie", "Product 4", "zebra"]);
    await api("PATCH", `/products/${productIds[4]}`, staff, { active: true, title: "Banana" });
    await report([productIds[1] ?? "", { [storeIds[1] ?? ""]: 1 }]);
    expect(await titlesIn(storeIds[0])).toEqual(["Apple", "apple pie", "Banana", "zebra"]);
    expect(await titlesIn(storeIds[1])).toEqual(["Apple", "apple pie", "Banana", "Product 4", "zebra"]);
  });

  test("tells reserved units from free ones", async () => {
    const { productIds, storeIds } = await givenCatalog({ products: 1, stores: 1 });
    await env.DB.prepare("INSERT INTO stock_levels VALUES (?1, ?2, 9, 4, 5, 1, 1, 1, 'archived', NULL)")
      .bind(productIds[0], storeIds[0])
      .run();
    const { body } = await api("GET", `/stores/${storeIds[0]}/inventory`);
    expect(body.results).toMatchObject([
      { quantity: 9, available: 5, updated_at: "1970-01-01T00:00:00.001Z" },
    ]);
  });

  test("pages by cursor and by number, past equal titles and titles of any length", async () => {
    const { productIds, storeIds } = await givenLevels(Array.from({ length: 7 }, (_, index) => [index]));
    await retitle(
      [productIds[0], "Same"],
      [productIds[1], "same"],
      [productIds[2], "SAME"],
      [productIds[3], "é".repeat(300)],
      [productIds[4], `${"é".repeat(299)}É`],
      [productIds[5], "100% 'wool'"],
    );
    const path = `/stores/${storeIds[0]}/inventory?page_size=2`;
    const whole = (await api("GET", `/stores/${storeIds[0]}/inventory`)).body.results;
    const seen: unknown[] = [];
    let next = "";
    do {
      const { status, body } = await api("GET", `${path}${next}`);
      expect(status).toBe(200);
      seen.push(...body.results);
      next = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
    } while (next !== "");
    expect(seen).toEqual(whole);
    expect((await api("GET", `${path}&page=2`)).body.results).toEqual(whole.slice(2, 4));
    expect((await api("GET", `${path}&page=99`)).body).toMatchObject({
      count: 7,
      results: [],
      has_next: false,
    });
  });

  test("goes on from a product that was renamed or archived since", async () => {
    const { productIds, storeIds } = await givenLevels([[1], [1], [1], [1]]);
    const path = `/stores/${storeIds[0]}/inventory?page_size=2`;
    const { next_cursor } = (await api("GET", path)).body;
    await api("DELETE", `/products/${productIds[1]}`, staff);
    expect(await titlesIn(storeIds[0], `?cursor=${next_cursor}`)).toEqual(["Product 3", "Product 4"]);
  });

  test("of a store without stock is empty, of no store is not there, and garbage is refused", async () => {
    const { storeIds } = await givenCatalog({ products: 1, stores: 1 });
    expect((await api("GET", `/stores/${storeIds[0]}/inventory`)).body).toMatchObject({
      count: 0,
      results: [],
    });
    for (const name of ["sto_nowhere", "%00", "'%20OR%201=1", "é"]) {
      expect((await api("GET", `/stores/${name}/inventory`)).status).toBe(404);
    }
    expect((await api("GET", `/stores/${storeIds[0]}/inventory?cursor=x`)).status).toBe(400);
    expect((await api("GET", `/stores/${storeIds[0]}/inventory?page=0`)).status).toBe(400);
  });

  test("comes from the object by the queue", async () => {
    const { productIds, storeIds } = await givenShop([[8]]);
    await expect
      .poll(async () => (await api("GET", `/stores/${storeIds[0]}/inventory`)).body.results, {
        timeout: 10_000,
      })
      .toMatchObject([{ product_id: productIds[0], quantity: 8, available: 8 }]);
  });
});

describe("products that are scarce", () => {
  const low = (query = "") => api("GET", `/products/low-stock${query}`, staff);
  const out = (query = "") => api("GET", `/products/out-of-stock${query}`, staff);
  const idsOf = ({ body }: Awaited<ReturnType<typeof low>>) =>
    body.results.map(({ id }: { id: string }) => id);

  test("are judged by what all stores have together, and what is archived is not among them", async () => {
    const { productIds } = await givenLevels([
      [4, 6],
      [11, 0],
      [0, 0],
      [1, null],
      [null, null],
      [2, 2],
      [0, 0],
    ]);
    for (const archived of productIds.slice(5)) await api("DELETE", `/products/${archived}`, staff);
    const page = await low();
    expect(idsOf(page)).toEqual([productIds[3], productIds[0]]);
    expect(page.body).toMatchObject({ count: 2, total_pages: 1 });
    const { stock: _, ...product } = (await api("GET", `/products/${productIds[0]}`)).body;
    expect(page.body.results[1]).toEqual({ ...product, stock: { on_hand: 10, reserved: 0, available: 10 } });
    expect(idsOf(await out())).toEqual([productIds[2], productIds[4]].sort());
    expect((await out()).body).toMatchObject({ count: 2 });

    await api("PATCH", `/products/${productIds[0]}`, staff, { low_stock_threshold: 9 });
    await api("PATCH", `/products/${productIds[1]}`, staff, { low_stock_threshold: 11 });
    await api("PATCH", `/products/${productIds[5]}`, staff, { active: true });
    expect(idsOf(await low())).toEqual([productIds[3], productIds[5], productIds[1]]);
  });

  test.each(["low-stock", "out-of-stock"])("page by cursor and by number: %s", async (list) => {
    await givenLevels(Array.from({ length: 5 }, (_, index) => [list === "low-stock" ? 1 + (index % 2) : 0]));
    const whole = (await api("GET", `/products/${list}`, staff)).body.results;
    expect(whole).toHaveLength(5);
    const first = (await api("GET", `/products/${list}?page_size=2`, staff)).body;
    const second = (await api("GET", `/products/${list}?page_size=3&cursor=${first.next_cursor}`, staff))
      .body;
    expect([...first.results, ...second.results]).toEqual(whole);
    expect(second).toMatchObject({ count: null, next_cursor: null, has_previous: true });
    expect((await api("GET", `/products/${list}?page_size=2&page=3`, staff)).body.results).toEqual(
      whole.slice(4),
    );
  });

  test("are the staff's to see, as is the summary", async () => {
    const customer = (await signIn()).headers;
    for (const path of ["/products/low-stock", "/products/out-of-stock", "/inventory/summary"]) {
      expect((await api("GET", path)).status).toBe(401);
      expect((await api("GET", path, customer)).status).toBe(403);
    }
  });
});

test("the summary counts what is on sale, and units wherever they are", async () => {
  const summary = async () => (await api("GET", "/inventory/summary", staff)).body;
  const nothing = { total_items: 0, healthy: 0, low_stock: 0, out_of_stock: 0, units: 0 };
  expect(await summary()).toEqual({ as_of: null, ...nothing });
  const { productIds } = await givenLevels([
    [20, 20],
    [3, 4],
    [0, 0],
    [null, null],
    [50, 50],
  ]);
  await api("DELETE", `/products/${productIds[4]}`, staff);
  expect(await summary()).toMatchObject({
    total_items: 4,
    healthy: 1,
    low_stock: 1,
    out_of_stock: 2,
    units: 47,
  });
  await api("PATCH", `/products/${productIds[4]}`, staff, { active: true });
  expect(await summary()).toMatchObject({ total_items: 5, healthy: 2, units: 147 });
});

type Page = { results: unknown[]; next_cursor: string | null } | null;
type ListOf = (context: Context, storeId: string, query: PageQuery) => Promise<Page>;
/** How SQLite comes to a first page, and to what stands after a cursor. */
const LISTS: [name: string, list: ListOf, first: string, next: string][] = [
  [
    "a store's inventory",
    listStoreInventory,
    "SEARCH stock_levels USING COVERING INDEX stock_levels_title (store_id=? AND sort_title>?)",
    "SEARCH stock_levels USING COVERING INDEX stock_levels_title (store_id=? AND (sort_title,product_id)>(?,?))",
  ],
  [
    "low stock",
    (context, _, query) => listScarceProducts(context, "low", query),
    "SEARCH stock USING INDEX product_stock_scarce (available>?)",
    "SEARCH stock USING INDEX product_stock_scarce ((available,product_id)>(?,?))",
  ],
  [
    "out of stock",
    (context, _, query) => listScarceProducts(context, "out", query),
    "SEARCH stock USING INDEX product_stock_scarce (available<?)",
    "SEARCH stock USING INDEX product_stock_scarce ((available,product_id)>(?,?) AND available<?)",
  ],
];
const PAGE = { page: 1, page_size: 20 };

describe.each(LISTS)("%s", (_, list, first, next) => {
  test("is found by its index, and nothing is sorted", async () => {
    for (const [cursor, step] of [
      [undefined, first],
      [encodeCursor({ key: 1, id: "prd_1" }), next],
    ]) {
      const { db, queries } = watchedDb();
      await list(testContext({ env: { ...env, DB: db } }), "sto_1", { ...PAGE, cursor });
      const plan = await planOf(queries[0] ?? "");
      expect(plan.find((one) => one !== "CO-ROUTINE page")).toBe(step);
      const others = await Promise.all(queries.map(planOf));
      expect(others.flat().filter((one) => /SCAN (?!page)|TEMP B-TREE/.test(one))).toEqual([]);
    }
  });

  test("reads no more for any page of a hundred times as many products", async () => {
    const { storeIds } = await givenLevels([
      [1, 1, 1],
      [0, 0, 0],
    ]);
    const costs: { pages: Cost[]; summary: Cost }[] = [];
    for (const [from, to] of [
      [0, 270],
      [270, 9_000],
    ] as const) {
      await crowd(from, to, (i) => `CASE ${i} % 3 WHEN 0 THEN 0 WHEN 1 THEN 1 + ${i} % 3 ELSE 40 END`);
      const pages: Cost[] = [];
      let cursor: string | undefined;
      for (let at = 0; at < 4; at++) {
        const { db, cost } = watchedDb();
        const page = await list(testContext({ env: { ...env, DB: db } }), storeIds[0] ?? "", {
          ...PAGE,
          cursor,
        });
        expect(page?.results).toHaveLength(20);
        cursor = page?.next_cursor ?? undefined;
        pages.push(cost);
      }
      const { db, cost } = watchedDb();
      await summariseInventory(testContext({ env: { ...env, DB: db } }));
      costs.push({ pages, summary: cost });
    }
    const [few, many] = costs;
    expect(many).toEqual(few);
    for (const { read } of few?.pages ?? []) expect(read).toBeLessThanOrEqual(21 * 4 + 4);
    // Three states and three stores.
    expect(few?.summary.read).toBeLessThanOrEqual(6);
  });
});

test("a page far down a store's inventory passes by what is before it in the index alone", async () => {
  const { storeIds } = await givenLevels([[1]]);
  await crowd(0, 3_000, () => "5");
  const { db, cost } = watchedDb();
  const page = await listStoreInventory(testContext({ env: { ...env, DB: db } }), storeIds[0] ?? "", {
    ...PAGE,
    page: 100,
  });
  expect(page).toMatchObject({ count: 3_001, has_next: true });
  expect(page?.results).toHaveLength(20);
  expect(cost.read).toBeLessThanOrEqual(1_980 + 21 * 4 + 4);
});
