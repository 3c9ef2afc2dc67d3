import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { foldRows } from "../../../src/catalog/search/fold-rows.ts";
import { readQuery } from "../../../src/catalog/search/read-query.ts";
import { searchQuerySchema } from "../../../src/catalog/search/schemas.ts";
import { type ProductSearch, searchProducts } from "../../../src/catalog/search/search.ts";
import { suggest } from "../../../src/catalog/search/suggest.ts";
import { COUNT_LIMIT_ROWS } from "../../../src/platform/pagination.ts";
import { testContext } from "../../events/context.ts";
import { signIn } from "../../support/sign-in.ts";
import { api } from "../api.ts";

/** What reads cost, by D1's own count, in a small shop and in one beyond every limit that bounds them. */
const SMALL = 1_200;
const LARGE = 12_000;

const KINDS = JSON.stringify("mug lamp chair table shirt shoe bag bottle knife pan towel pillow".split(" "));

/** Every product has the word `product`; a twelfth of them each kind; a tenth stock, and `sto_few` a few of all. */
async function grow(from: number, to: number): Promise<void> {
  const numbers = `WITH RECURSIVE n (i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1})`;
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO products (id, sku, title, description, category_id, price, currency, low_stock_threshold, active,
         attributes, version, created_at, updated_at) ${numbers}
       SELECT 'prd_' || printf('%06d', i), 'S' || i, 'Product ' || (?1 ->> (i * 7 % 12)) || ' ' || (?1 ->> (i / 12 % 12)),
         'Every one goes with a ' || (?1 ->> (i / 5 % 12)), 'cat_' || (i % 8), i * 7919 % 100000, 'USD', 10, 1, '{}', 1,
         i, i FROM n`,
    ).bind(KINDS),
    env.DB.prepare(
      `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at) ${numbers}
       SELECT 'prd_' || printf('%06d', i), 'sto_' || store.value, 9, 0, iif(i % 10 = store.value, 5, 0), 0, 0, 0
       FROM n, json_each('[1,2,3]') AS store`,
    ),
    env.DB.prepare(
      `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at) ${numbers}
       SELECT 'prd_' || printf('%06d', i), 'sto_few', 5, 0, 5, 0, 0, 0 FROM n WHERE i % 97 = 0`,
    ),
    env.DB.prepare(
      `INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at) ${numbers}
       SELECT 'prd_' || printf('%06d', i), 'sto_wide', 5, 0, iif(i % 3 = 0, 5, 0), 0, 0, 0 FROM n WHERE i % 3 < 2`,
    ),
  ]);
}

/** A context whose D1 notes what each batch cost, and how SQLite went about it. */
function watched() {
  const seen: { sql: string; values: unknown[]; rows: number }[] = [];
  const texts = new WeakMap<object, { sql: string; values: unknown[] }>();
  const DB = {
    prepare: (sql: string) => ({
      bind: (...values: unknown[]) => {
        const statement = env.DB.prepare(sql).bind(...values);
        texts.set(statement, { sql, values });
        return Object.assign(statement, { all: async () => (await DB.batch([statement]))[0] });
      },
    }),
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await env.DB.batch(statements);
      for (const [index, statement] of statements.entries()) {
        const text = texts.get(statement);
        if (text) seen.push({ ...text, rows: results[index]?.meta.rows_read ?? 0 });
      }
      return results;
    },
  };
  return { seen, context: testContext({ env: { ...env, DB } as never }) };
}

function searchOf(query: string): ProductSearch {
  const read = readQuery(searchQuerySchema.parse(Object.fromEntries(new URLSearchParams(query))), "USD");
  if (read.kind !== "search") throw new Error(query);
  return read.search;
}

async function costOf(query: string): Promise<{ rows: number; plans: string[] }> {
  const { seen, context } = watched();
  await searchProducts(context, searchOf(query));
  const plans: string[] = [];
  for (const { sql, values } of seen) {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...values)
      .all<{ detail: string }>();
    plans.push(...results.map(({ detail }) => detail));
  }
  expect(seen).toHaveLength(1);
  return { rows: seen[0]?.rows ?? 0, plans };
}

/**
 * A page of 20, one more to know whether there is a next, read and put in order; for each its product, its category and a
 * store's level; and how many there are, which counters know.
 */
const ONE_INDEX = 135;
/** The same, but that up to 10,000 are gone through to count them. */
const COUNTED = ONE_INDEX + COUNT_LIMIT_ROWS;
/** Up to 2,000 gathered, read again, and sorted; or a walk to the page. */
const FILTERED = 10_000;
/** A thousand candidates, and a thousand by their titles, scored and sorted; and the count. */
const RANKED = 14_000 + COUNT_LIMIT_ROWS;
/** Nothing but a pass of all that says the words keeps to a filter or brings them in order: so many rows of each. */
const OF_EACH = 6;

/** What comes where so many match that they are walked to, worked out without the index. */
const WALKED: [query: string, sql: string][] = [
  ["q=product&sort=price_asc", "ORDER BY price, id"],
  ["q=product&sort=newest", "ORDER BY created_at DESC, id DESC"],
  ["q=product&sort=price_desc&category=cat_3", "WHERE category_id = 'cat_3' ORDER BY price DESC, id DESC"],
  ["q=goes product&sort=newest&max_price=900", "WHERE price <= 90000 ORDER BY created_at DESC, id DESC"],
  ["min_price=100", "WHERE price >= 10000 ORDER BY created_at DESC, id DESC"],
  [
    "store_id=sto_wide&in_stock=true&sort=price_asc",
    "WHERE id IN (SELECT product_id FROM stock_levels WHERE store_id = 'sto_wide' AND available > 0) ORDER BY price, id",
  ],
];

const QUERIES: [query: string, atMost: number][] = [
  ["", ONE_INDEX],
  ["sort=price_asc", ONE_INDEX],
  ["category=cat_3", ONE_INDEX],
  ["category=cat_3&sort=price_desc", ONE_INDEX],
  ["in_stock=true", ONE_INDEX],
  ["in_stock=true&sort=price_asc", ONE_INDEX],
  ["in_stock=true&category=cat_3&sort=price_asc", ONE_INDEX],
  ["store_id=sto_1", ONE_INDEX],
  ["store_id=sto_1&sort=price_asc", ONE_INDEX],
  ["min_price=100&max_price=900&sort=price_asc", COUNTED],
  ["in_stock=true&category=cat_3&max_price=500&sort=price_desc", COUNTED],
  ["min_price=100&max_price=101", FILTERED],
  ["min_price=100", FILTERED + COUNT_LIMIT_ROWS],
  ["category=cat_3&min_price=100", FILTERED],
  ["store_id=sto_1&in_stock=true", FILTERED],
  ["store_id=sto_1&in_stock=true&sort=price_asc", FILTERED],
  ["store_id=sto_few&in_stock=true&sort=price_asc", FILTERED],
  ["store_id=sto_wide&in_stock=true&sort=price_asc", FILTERED],
  ["store_id=sto_few&in_stock=true&category=cat_3&min_price=10&sort=price_asc", FILTERED],
  ["q=product", RANKED],
  ["q=every", RANKED],
  ["q=mug", RANKED],
  ["q=product mug", RANKED],
  ["q=xyzzy product", RANKED],
];

/** With how many products say the words, of so many. */
const GATHERED: [query: string, said: (products: number) => number][] = [
  ["q=mug&sort=price_asc", (products) => products / 4],
  ["q=product&sort=price_asc", (products) => products],
  ["q=product&sort=newest&category=cat_3", (products) => products / 8],
  ["q=product&sort=price_asc&page=400", (products) => products],
  // What says it is far from where the order begins.
  ["q=antique&sort=newest", () => 600],
  ["q=antique&sort=newest&page=20", () => 600],
  // Hardly anything of all that says it passes the filter.
  ["q=product&store_id=sto_few&in_stock=true", (products) => products],
  ["q=product&min_price=100&max_price=101", (products) => products],
  ["q=every&min_price=100&max_price=101&sort=newest", (products) => products],
];

const STOCKED = (store: string) =>
  `id IN (SELECT product_id FROM stock_levels WHERE available > 0 AND ${store})`;

/** How many there are where no page shows them all, worked out without counters or the index; null beyond 10,000. */
const COUNTS: [query: string, sql: string][] = [
  ["", "true"],
  ["category=cat_3", "category_id = 'cat_3'"],
  ["in_stock=true", STOCKED("true")],
  ["in_stock=true&category=cat_3", `category_id = 'cat_3' AND ${STOCKED("true")}`],
  ["min_price=100&max_price=900", "price BETWEEN 10000 AND 90000"],
  ["in_stock=true&max_price=900", `price <= 90000 AND ${STOCKED("true")}`],
  ["store_id=sto_wide&in_stock=true", STOCKED("store_id = 'sto_wide'")],
  ["store_id=sto_wide&in_stock=true&max_price=900", `price <= 90000 AND ${STOCKED("store_id = 'sto_wide'")}`],
  ["store_id=sto_1&in_stock=true", STOCKED("store_id = 'sto_1'")],
  ["q=product", "true"],
  ["q=product&sort=price_asc", "true"],
  ["q=product&category=cat_3", "category_id = 'cat_3'"],
  ["q=product&category=cat_3&sort=newest", "category_id = 'cat_3'"],
  ["q=product&max_price=500", "price <= 50000"],
  ["q=product&in_stock=true", STOCKED("true")],
  ["q=product&in_stock=true&sort=price_desc", STOCKED("true")],
  ["q=product&store_id=sto_wide&in_stock=true", STOCKED("store_id = 'sto_wide'")],
  ["q=mug", "title || description LIKE '%mug%'"],
];

test("a page costs what its size is, whatever the shop's; and every way leads by an index", async () => {
  await env.DB.prepare(
    `INSERT INTO categories (id, name, description, version, created_at, updated_at) SELECT 'cat_' || value, 'Category ' || value, '', 1, 0, 0 FROM json_each('[0,1,2,3,4,5,6,7]')`,
  ).run();
  const costs: Record<string, number[]> = {};
  for (const [from, to] of [
    [0, SMALL],
    [SMALL, LARGE],
  ] as const) {
    await grow(from, to);
    while ((await foldRows({ env })) > 0);
    if (from === 0) {
      await env.DB.prepare("UPDATE products SET description = 'An antique' WHERE id < 'prd_000600'").run();
    }
    const bounds = [
      ...QUERIES,
      ...GATHERED.map(([query, said]) => [query, OF_EACH * said(to) + ONE_INDEX] as const),
    ];
    for (const [query, atMost] of bounds) {
      const { rows, plans } = await costOf(query);
      costs[query] = [...(costs[query] ?? []), rows];
      expect(rows, `${query} of ${to}`).toBeLessThanOrEqual(atMost);
      expect(plans.filter(isBlindScan), query).toEqual([]);
    }
  }
  for (const [query, atMost] of QUERIES) {
    const [small = 0, large = 0] = costs[query] ?? [];
    if (atMost === ONE_INDEX) expect(large, query).toBeLessThanOrEqual(small + 5);
  }

  for (const [query, sql] of WALKED) {
    const { results } = await env.DB.prepare(`SELECT id FROM products ${sql} LIMIT 60`).all<{ id: string }>();
    for (const page of [1, 3]) {
      const found = await searchProducts(testContext(), searchOf(`${query}&page=${page}`));
      const expected = results.slice((page - 1) * 20, page * 20).map(({ id }) => id);
      expect([query, found?.results.map(({ id }) => id)]).toEqual([query, expected]);
    }
  }

  for (const [query, sql] of COUNTS) {
    const counted = await env.DB.prepare(
      `SELECT count(*) AS counted FROM products WHERE ${sql}`,
    ).first<number>("counted");
    const found = await searchProducts(testContext(), searchOf(query));
    expect([query, found?.count]).toEqual([query, (counted ?? 0) > COUNT_LIMIT_ROWS ? null : counted]);
  }

  const { seen, context } = watched();
  for (const q of ["pro", "product", "product mu", "mug", "knife", "prodcut", "zzzz", "mug shirt"]) {
    seen.length = 0;
    await suggest(context, q);
    expect(
      seen.reduce((rows, one) => rows + one.rows, 0),
      q,
    ).toBeLessThanOrEqual(1_300);
  }
});

/** A whole table gone through for no order of its own. What is read of CTEs was read before. */
const isBlindScan = (plan: string): boolean =>
  /^SCAN (documents|product_documents|products|categories|levels|stock_levels)(?! USING)/.test(plan);

test("what a change writes: a price not to the index, five hundred products a few rows each", async () => {
  const staff = (await signIn("staff")).headers;
  const { id: category_id } = (await api("POST", "/categories", staff, { name: "Mugs" })).body;
  const products = Array.from({ length: 500 }, (_, n) => ({
    sku: `M-${n}`,
    title: `Mug number ${n}, blue or red`,
    description: "Stoneware, for coffee and tea",
    category_id,
    price: { amount: "9.00" },
  }));
  const statement = async (sql: string) => (await env.DB.prepare(sql).run()).meta.rows_written;
  const dataOf = async () =>
    (
      await env.DB.prepare(
        "SELECT count(*) AS blocks, max(id) AS last, sum(length(block)) AS bytes FROM product_index_data",
      ).raw()
    ).flat();
  const report = (await api("POST", "/products/bulk", staff, { products })).body;
  expect(report).toMatchObject({ created: 500, failed: 0 });
  // Put down as they are, with their documents: 4 indexes of a product, 5 of a document.
  const { results } = await env.DB.prepare("SELECT count(*) AS products FROM product_documents").all();
  expect(results).toEqual([{ products: 500 }]);

  const before = await dataOf();
  const one = "WHERE sku = 'M-7'";
  // The product and its index by price; the document and its two, as it is out of stock.
  expect(await statement(`UPDATE products SET price = price + 1 ${one}`)).toBeLessThanOrEqual(8);
  // The product's own row, and the cache's generation.
  expect(await statement(`UPDATE products SET low_stock_threshold = 3, version = 2 ${one}`)).toBe(2);
  expect(await dataOf()).toEqual(before);
  expect(
    await statement(`UPDATE products SET title = 'Green mug', title_key = 'green mug' ${one}`),
  ).toBeLessThanOrEqual(12);
  expect(await statement("UPDATE products SET price = price + 1")).toBeLessThanOrEqual(500 * 8);
  expect(
    await statement("UPDATE products SET title = title || ' or green', title_key = title_key || ' or green'"),
  ).toBeLessThanOrEqual(500 * 12);
  expect(
    await statement(
      "INSERT INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at) SELECT id, 'sto_1', 5, 0, 5, 0, 0, 0 FROM products",
    ),
    // The level and its indexes, what is counted of its store and product, the document that is in stock now, and the
    // counts of those.
  ).toBeLessThanOrEqual(500 * 20);
  // A sale that leaves some: the level, its places among what is scarce, and the counts of its store and its product.
  expect(await statement("UPDATE stock_levels SET available = available - 1")).toBeLessThanOrEqual(500 * 6);
});
