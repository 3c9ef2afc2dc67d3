import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { listProducts } from "../../src/catalog/products/list.ts";
import { productQuerySchema } from "../../src/catalog/products/schemas.ts";
import { testContext } from "../events/context.ts";
import { givenCatalog } from "../support/catalog.ts";
import { signIn } from "../support/sign-in.ts";
import { planOf, watchedDb } from "../support/watched-db.ts";
import { type Answer, api } from "./api.ts";
import { probe } from "./probe.ts";

let staff: Record<string, string>;
beforeEach(async () => {
  staff = (await signIn("staff")).headers;
});

const ids = ({ body }: Answer) => body.results.map(({ id }: { id: string }) => id);

describe("the list of products", () => {
  it("shows what is on sale, newest first, in one round trip to D1", async () => {
    const { productIds } = await givenCatalog({ products: 3 });
    await givenCatalog({ products: 1, active: false });
    const { send, seen } = probe();
    const list = await send("GET", "/products", staff);
    expect(list.body).toMatchObject({ count: 3, page: 1, page_size: 20, total_pages: 1, has_next: false });
    expect(ids(list)).toEqual([...productIds].reverse());
    expect(list.body.results[0]).toMatchObject({
      title: "Product 3",
      category: { id: expect.stringMatching(/^cat_/), name: expect.stringMatching(/^Category 1/) },
      price: { amount: "19.99", currency: "USD" },
      active: true,
      attributes: {},
    });
    expect(list.body.results[0]).not.toHaveProperty("stock");
    expect(seen.roundTrips).toBe(1);
    await send("GET", "/products?page_size=1&page=2&sort=price_asc", staff);
    expect(seen.roundTrips).toBe(1);
  });

  it("shows what is archived to staff alone", async () => {
    const on = (await givenCatalog({ products: 1 })).productIds;
    const off = (await givenCatalog({ products: 1, active: false })).productIds;
    const customer = (await signIn("customer")).headers;
    for (const active of ["false", "all"]) {
      expect((await api("GET", `/products?active=${active}`)).status).toBe(401);
      expect((await api("GET", `/products?active=${active}`, customer)).status).toBe(403);
    }
    expect(ids(await api("GET", "/products", staff))).toEqual(on);
    expect(ids(await api("GET", "/products?active=true", customer))).toEqual(on);
    expect(ids(await api("GET", "/products?active=false", staff))).toEqual(off);
    expect(ids(await api("GET", "/products?active=all", staff))).toHaveLength(2);
    expect((await api("GET", `/products/${off[0]}`)).body).toMatchObject({ active: false });
  });

  it("finds a few archived ones among many, in whatever order, and counts them and all", async () => {
    const { categoryIds } = await givenCatalog({ products: 1, active: false });
    const [category] = categoryIds;
    const lists = [
      ...["false", "all"].flatMap((active) =>
        ["newest", "price_asc", "price_desc"].map((sort) => ({ active, sort })),
      ),
    ].flatMap((query) => [query, { ...query, category }]);
    const costs: Record<string, number[]> = {};
    for (const [from, to] of [
      [0, 300],
      [300, 6_000],
    ] as const) {
      await env.DB.prepare(
        `WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1)
         INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active,
           attributes, version, created_at, updated_at) SELECT 'prd_' || printf('%06d', i), 'S' || i, 'Mug ' || i, '', ?3, i * 7919 % 10000, 'USD', 10,
           i >= 30, '{}', 1, i, i FROM n`,
      )
        .bind(from, to, category)
        .run();
      for (const query of lists) {
        const { db, queries, cost } = watchedDb();
        const page = await listProducts(
          testContext({ env: { ...env, DB: db } }),
          productQuerySchema.parse(query),
        );
        if (!page) throw new Error("the category is not known");
        expect(page.count).toBe(query.active === "all" ? to + 1 : 31);
        const expected = await env.DB.prepare(
          `SELECT id FROM products ${query.active === "all" ? "" : "WHERE active = 0"}
           ORDER BY ${{ newest: "created_at DESC, id DESC", price_asc: "price, id", price_desc: "price DESC, id DESC" }[query.sort]}
           LIMIT 20`,
        ).all<{ id: string }>();
        expect(page.results.map(({ id }) => id)).toEqual(expected.results.map(({ id }) => id));
        const plans = (await Promise.all(queries.map(planOf))).flat();
        expect(plans.filter((step) => /TEMP B-TREE|SCAN products(?! USING)/.test(step))).toEqual([]);
        const name = JSON.stringify(query);
        costs[name] = [...(costs[name] ?? []), cost.read];
      }
    }
    for (const [name, [small, large]] of Object.entries(costs)) {
      expect([name, large]).toEqual([name, small]);
      expect(large, name).toBeLessThanOrEqual(21 * 2 + 31 + 5);
    }
  });

  it("keeps to a category", async () => {
    const { productIds, categoryIds } = await givenCatalog({ products: 4, categories: 2 });
    const list = await api("GET", `/products?category=${categoryIds[1]}`);
    expect(list.body.count).toBe(2);
    expect(ids(list)).toEqual([productIds[3], productIds[1]]);
    expect((await api("GET", "/products?category=cat_none")).status).toBe(422);
  });

  it.each(["newest", "price_asc", "price_desc"])(
    "goes through all by cursor and by page: %s",
    async (sort) => {
      const cheap = (await givenCatalog({ products: 3, price: 100 })).productIds;
      const dear = (await givenCatalog({ products: 2, price: 900 })).productIds;
      const all = (await api("GET", `/products?sort=${sort}`)).body.results;
      if (sort === "price_asc")
        expect(ids({ body: { results: all } } as Answer)).toEqual([
          ...[...cheap].sort(),
          ...[...dear].sort(),
        ]);
      if (sort === "price_desc")
        expect(all.map(({ price }: { price: { amount: string } }) => price.amount)).toEqual([
          "9.00",
          "9.00",
          "1.00",
          "1.00",
          "1.00",
        ]);

      const byPage: string[] = [];
      const byCursor: string[] = [];
      let query = `sort=${sort}&page_size=2`;
      for (let page = 1; page <= 3; page++) {
        byPage.push(...ids(await api("GET", `/products?sort=${sort}&page_size=2&page=${page}`)));
        const next = await api("GET", `/products?${query}`);
        byCursor.push(...ids(next));
        query = `sort=${sort}&page_size=2&cursor=${next.body.next_cursor}`;
      }
      expect(byPage).toEqual(all.map(({ id }: { id: string }) => id));
      expect(byCursor).toEqual(byPage);
    },
  );

  it("keeps its place under a cursor while products come and go", async () => {
    const { productIds } = await givenCatalog({ products: 4 });
    const first = await api("GET", "/products?page_size=2");
    await givenCatalog({ products: 2 });
    await api("DELETE", `/products/${productIds[1]}`, staff);
    const rest = await api("GET", `/products?page_size=2&cursor=${first.body.next_cursor}`);
    expect(ids(rest)).toEqual([productIds[0]]);
    expect(rest.body).toMatchObject({ count: null, page: null, total_pages: null, has_previous: true });
  });

  it("is empty past its end, and no page is larger than a hundred", async () => {
    await givenCatalog({ products: 101 });
    expect((await api("GET", "/products?page=7")).body).toMatchObject({
      count: 101,
      total_pages: 6,
      has_next: false,
      has_previous: true,
      next_cursor: null,
      results: [],
    });
    const capped = await api("GET", "/products?page_size=500");
    expect(capped.body).toMatchObject({ page_size: 100, has_next: true });
    expect(capped.body.results).toHaveLength(100);
  });

  it.each(["active=maybe", "sort=random", "page=-1", "page_size=many", "cursor=nonsense"])(
    "refuses %s",
    async (query) => {
      expect(await api("GET", `/products?${query}`, staff)).toMatchObject({
        status: 400,
        body: { code: "invalid_query", errors: [{ field: query.split("=")[0] }] },
      });
    },
  );
});

describe("a product's own page", () => {
  it("says how much there is of it", async () => {
    const { productIds } = await givenCatalog({ products: 1 });
    const stock = {
      on_hand: 5,
      reserved: 2,
      available: 3,
      stores: [{ store_id: "sto_1", on_hand: 5, reserved: 2, available: 3 }],
    };
    const { send, seen } = probe({ stock: { levels: async () => stock } });
    expect((await send("GET", `/products/${productIds[0]}`)).body).toMatchObject({ version: 1, stock });
    expect(seen.roundTrips).toBe(1);
    expect((await api("GET", `/products/${productIds[0]}`)).body.stock).toEqual({
      on_hand: 0,
      reserved: 0,
      available: 0,
      stores: [],
    });
  });

  it("is shown without, when the stock is out of reach, and asks no stock of what is not there", async () => {
    const { productIds } = await givenCatalog({ products: 1 });
    const asked: string[] = [];
    const { send } = probe({
      stock: {
        levels: async (_, productId) => {
          asked.push(productId);
          throw new Error("out of reach");
        },
      },
    });
    expect(await send("GET", `/products/${productIds[0]}`)).toMatchObject({
      status: 200,
      body: { title: "Product 1", stock: null },
    });
    expect((await send("GET", "/products/prd_none")).status).toBe(404);
    expect(asked).toEqual(productIds);
  });
});
