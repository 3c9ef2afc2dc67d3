import { beforeEach, describe, expect, test } from "vitest";
import { encodeCursor } from "../../../src/platform/pagination.ts";
import { signIn } from "../../support/sign-in.ts";
import { type Answer, api } from "../api.ts";
import { type GivenProduct, givenProducts, givenStores } from "./given.ts";

const NEAR = "sto_near";
const FAR = "sto_far";

type Given = Required<Omit<GivenProduct, "sku">> & { id: string; at: number };

/** Products in every mixture of what is filtered by; several have the same price. */
async function givenMixture(): Promise<Given[]> {
  const given = Array.from({ length: 48 }, (_, n) => ({
    title: n % 3 === 0 ? `Mug ${n}` : `Lamp ${n}`,
    description: n % 4 === 0 ? "Goes with a mug" : "Goes with everything",
    category: n % 5 < 2 ? "Kitchen" : "Home",
    price: 500 + (n % 7) * 250,
    active: n % 12 !== 11,
    stock: {
      ...(n % 2 === 0 ? { [NEAR]: n % 8 === 0 ? 0 : n } : {}),
      ...(n % 3 === 1 ? { [FAR]: n % 9 === 1 ? 0 : 2 } : {}),
    } as Record<string, number>,
  }));
  const ids = await givenProducts(given);
  return given.map((product, at) => ({ ...product, at, id: ids[at] ?? "" }));
}

beforeEach(() => givenStores([NEAR, FAR]));

interface Asked {
  q?: string;
  category?: string;
  min_price?: string;
  max_price?: string;
  store_id?: string;
  in_stock?: string;
  sort?: string;
}

const idsOf = ({ body }: Answer): string[] => body.results.map(({ id }: { id: string }) => id);
const ask = (asked: Record<string, string>) => api("GET", `/search/products?${new URLSearchParams(asked)}`);

/** What must come, worked out the slow way; in no order where it is ranked. */
function expected(products: Given[], asked: Asked): Given[] {
  const { q, category, min_price, max_price, store_id, in_stock, sort } = asked;
  const found = products.filter(({ title, description, price, stock, active, category: its }) => {
    const available = store_id === undefined ? Math.max(0, ...Object.values(stock)) : (stock[store_id] ?? 0);
    return (
      active &&
      (q === undefined || `${title} ${description}`.toLowerCase().split(" ").includes(q)) &&
      (category === undefined || its === category) &&
      (min_price === undefined || price >= Number(min_price) * 100) &&
      (max_price === undefined || price <= Number(max_price) * 100) &&
      (in_stock !== "true" || available > 0)
    );
  });
  const byId = (one: Given, other: Given) => (one.id < other.id ? -1 : 1);
  if (sort === "price_asc") return found.sort((one, other) => one.price - other.price || byId(one, other));
  if (sort === "price_desc") return found.sort((one, other) => other.price - one.price || byId(other, one));
  return found.sort((one, other) => other.at - one.at);
}

function* combinations(): Generator<Asked> {
  for (const q of [undefined, "mug"])
    for (const category of [undefined, "Home"])
      for (const prices of [{}, { min_price: "7.50" }, { min_price: "7.5", max_price: "15.00" }])
        for (const store of [{}, { store_id: NEAR }])
          for (const in_stock of [undefined, "true"])
            for (const sort of [undefined, "price_asc", "price_desc", "newest"])
              yield {
                ...(q && { q }),
                ...(category && { category }),
                ...prices,
                ...store,
                ...(in_stock && { in_stock }),
                ...(sort && { sort }),
              };
}

const isRanked = ({ q, sort }: Asked) => q !== undefined && sort === undefined;

test("every filter and sort together, with and without a text, by page and by cursor", async () => {
  const products = await givenMixture();
  let number = 0;
  for (const asked of combinations()) {
    const what = JSON.stringify(asked);
    const wanted = expected(products, asked);
    const all = await ask({ ...asked, page_size: "100" });
    const ids = wanted.map(({ id }) => id);
    expect(all.body.count, what).toBe(wanted.length);
    if (isRanked(asked)) expect(idsOf(all).toSorted(), what).toEqual(ids.toSorted());
    else expect(idsOf(all), what).toEqual(ids);
    const quantities = all.body.results.map(({ store_quantity }) => store_quantity);
    const inStore = (id: string) => products.find((product) => product.id === id)?.stock[NEAR] ?? 0;
    expect(quantities, what).toEqual(idsOf(all).map((id) => (asked.store_id ? inStore(id) : undefined)));

    // The whole way in small steps, every other time by cursor.
    const size = 5;
    const byCursor = number++ % 2 === 0;
    const steps: string[] = [];
    let next: Record<string, string> = {};
    for (let page = 1; page <= Math.ceil(wanted.length / size); page++) {
      const step = await ask({ ...asked, page_size: String(size), ...next });
      steps.push(...idsOf(step));
      expect(step.body.has_next, what).toBe(steps.length < wanted.length);
      next = byCursor ? { cursor: step.body.next_cursor } : { page: String(page + 1) };
    }
    expect(steps, what).toEqual(idsOf(all));
  }
});

test("results are products, and those of a store say how many it has", async () => {
  const [product] = await givenProducts([
    { title: "Blue mug", category: "Mugs", price: 1250, stock: { [NEAR]: 4 } },
  ]);
  const { body } = await ask({ q: "mug" });
  expect(body).toMatchObject({
    count: 1,
    page: 1,
    page_size: 20,
    total_pages: 1,
    has_next: false,
    next_cursor: null,
  });
  expect(body.results[0]).toEqual((await api("GET", "/products")).body.results[0]);
  expect(body.results[0]).toMatchObject({
    id: product,
    title: "Blue mug",
    category: { name: "Mugs" },
    price: { amount: "12.50", currency: "USD" },
  });
  expect(body.results[0]).not.toHaveProperty("store_quantity");
  for (const [store, quantity] of [
    [NEAR, 4],
    [FAR, 0],
  ] as const) {
    expect((await ask({ q: "mug", store_id: store })).body.results[0].store_quantity).toBe(quantity);
  }
  expect((await ask({ store_id: FAR, in_stock: "true" })).body).toMatchObject({ count: 0, results: [] });
  expect((await ask({ store_id: FAR, in_stock: "false" })).body.count).toBe(1);
});

test("a category goes by its id or its name, whatever its case", async () => {
  await givenProducts([
    { title: "Blue mug", category: "Mugs" },
    { title: "Desk lamp", category: "Lamps" },
  ]);
  const [{ category }] = (await ask({ q: "mug" })).body.results;
  for (const named of [category.id, "Mugs", "MUGS"]) {
    expect((await ask({ category: named })).body.results).toHaveLength(1);
    expect((await api("GET", `/products?category=${named}`)).body.count).toBe(1);
  }
  for (const unknown of ["cat_none", "", "Mug", "' OR 1=1 --"]) {
    expect((await ask({ category: unknown })).body).toMatchObject({ status: 422, code: "unknown_category" });
  }
});

describe("the index", () => {
  let staff: Record<string, string>;
  beforeEach(async () => {
    staff = (await signIn("staff")).headers;
  });
  const titles = async (q: string) =>
    (await ask({ q })).body.results.map(({ title }: { title: string }) => title);

  test("follows a product through its life", async () => {
    const category = (await api("POST", "/categories", staff, { name: "Mugs" })).body;
    const other = (await api("POST", "/categories", staff, { name: "Gifts" })).body;
    const product = { sku: "M-1", title: "Blue mug", category_id: category.id, price: { amount: "9.00" } };
    const { id } = (await api("POST", "/products", staff, { ...product, description: "Stoneware" })).body;
    expect([await titles("blue"), await titles("stoneware"), await titles("gifts")]).toEqual([
      ["Blue mug"],
      ["Blue mug"],
      [],
    ]);
    await api("PATCH", `/products/${id}`, staff, { title: "Red mug" });
    await api("PATCH", `/products/${id}`, staff, { description: "Porcelain" });
    expect([await titles("blue"), await titles("stoneware"), await titles("porcelain")]).toEqual([
      [],
      [],
      ["Red mug"],
    ]);
    await api("PATCH", `/products/${id}`, staff, { category_id: other.id, price: { amount: "8.00" } });
    expect(await titles("gifts")).toEqual(["Red mug"]);
    expect((await ask({ category: other.id, max_price: "8" })).body.count).toBe(1);
    expect((await ask({ category: category.id })).body.count).toBe(0);

    await api("DELETE", `/products/${id}`, staff);
    expect([await titles("red"), (await ask({})).body.count]).toEqual([[], 0]);
    // What changes while it is archived is there when it is back.
    await api("PATCH", `/products/${id}`, staff, { title: "Green mug" });
    expect(await titles("green")).toEqual([]);
    await api("PATCH", `/products/${id}`, staff, { active: true });
    expect([await titles("green"), await titles("red")]).toEqual([["Green mug"], []]);

    const bulk = [
      { sku: "M-1", title: "Yellow mug" },
      { ...product, sku: "M-2", title: "Black mug" },
    ];
    await api("POST", "/products/bulk", staff, { products: bulk });
    expect([await titles("yellow"), await titles("black"), await titles("green")]).toEqual([
      ["Yellow mug"],
      ["Black mug"],
      [],
    ]);
  });

  test("follows a category's name", async () => {
    await givenProducts([
      { title: "Blue one", category: "Mugs" },
      { title: "Desk lamp", category: "Lamps" },
    ]);
    const [{ category }] = (await ask({ q: "blue" })).body.results;
    await api("PATCH", `/categories/${category.id}`, staff, { name: "Beakers" });
    expect([await titles("beakers"), await titles("mugs"), await titles("lamps")]).toEqual([
      ["Blue one"],
      [],
      ["Desk lamp"],
    ]);
  });
});

test("a word that very many products have is ranked by titles first, and every match is listed once", async () => {
  const mugs = Array.from({ length: 400 }, (_, n) => ({
    title: `Mug number ${n}`,
    description: "Holds tea and coffee",
  }));
  await givenProducts([
    ...mugs.slice(0, 100),
    ...Array.from({ length: 400 }, (_, n) => ({ title: `Lamp ${n}`, description: "Goes with a mug" })),
    ...mugs.slice(100),
    { title: "Mug", description: "" },
  ]);
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const { body } = await ask({ q: "mug", page_size: "100", ...(cursor && { cursor }) });
    seen.push(...body.results.map(({ title }: { title: string }) => title));
    cursor = body.next_cursor;
  }
  expect(seen).toHaveLength(801);
  expect(new Set(seen).size).toBe(801);
  expect(seen[0]).toBe("Mug");
  expect(seen.slice(0, 401).every((title) => title.startsWith("Mug"))).toBe(true);
  const pages = await Promise.all(
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((page) => ask({ q: "mug", page: String(page), page_size: "100" })),
  );
  expect(pages.flatMap(({ body }) => body.results.map(({ title }: { title: string }) => title))).toEqual(
    seen,
  );
});

describe("what is typed", () => {
  beforeEach(async () => {
    await givenProducts([
      { title: "Blue mug" },
      { title: "Crème brûlée dish" },
      { title: "Fußball" },
      { title: "لمبة مكتب" },
    ]);
  });

  test.each([
    '"',
    "'",
    '""',
    '"blue',
    "*",
    "blue*",
    "*blue",
    "NEAR(",
    "NEAR(blue mug, 2)",
    "-",
    "-mug",
    "blue -mug",
    "AND",
    "OR",
    "NOT",
    "AND OR NOT",
    "blue AND",
    "title:blue",
    "col:",
    "{title}: blue",
    "^blue",
    "blue + mug",
    "(",
    ")",
    "((((",
    "😀",
    "blue 😀 mug",
    "👩‍👩‍👧‍👦",
    "\u202eeulb",
    "لمبة",
    "مكتب",
    "ＢＬＵＥ",
    "blue\u0000mug",
    "\u0000",
    "%",
    "_",
    "\\",
    "blue\\",
    ";",
    "'; DROP TABLE products; --",
    "\ufeff",
    "\u0301",
    "a\u0301\u0301\u0301",
    "\ufffd",
    "\u{10ffff}",
    "\u{e000}",
    "ÿ",
    "１",
    "²",
    "ﬁ",
    "İ",
    "ſ",
    "   ",
    "\t\n",
    "null",
    "undefined",
    "[object Object]",
    "x".repeat(5_000),
    "blue ".repeat(1_000),
    "é".repeat(1_500),
    '"'.repeat(2_000),
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
  ])("is a query: %j", async (q) => {
    for (const more of [{}, { sort: "price_asc" }, { store_id: NEAR, in_stock: "true" }] as Record<
      string,
      string
    >[]) {
      const answer = await ask({ q, ...more });
      expect([answer.status, answer.body.count >= 0]).toEqual([200, true]);
    }
    expect([200, 400]).toContain((await api("GET", `/search/suggest?${new URLSearchParams({ q })}`)).status);
  });

  test("finds by words alone: nothing in it is an operator", async () => {
    const found = async (q: string) =>
      (await ask({ q })).body.results.map(({ title }: { title: string }) => title);
    for (const q of [
      '"blue mug"',
      "blue -mug",
      "^mug blue",
      "blue\u0000mug",
      "title:blue",
      "BLUE",
      "blu",
      "  mug  ",
    ]) {
      expect([q, await found(q)]).toEqual([q, ["Blue mug"]]);
    }
    expect(await found("creme brulee")).toEqual(["Crème brûlée dish"]);
    expect(await found("CRÈME")).toEqual(["Crème brûlée dish"]);
    expect(await found("لمبة")).toEqual(["لمبة مكتب"]);
    expect(await found("***")).toEqual([]);
    expect(await found("😀")).toEqual([]);
    expect(await found("")).toHaveLength(4);
    expect(await found("   ")).toHaveLength(4);
  });
});

test.each([
  ["min_price=abc", "min_price"],
  ["min_price=-1", "min_price"],
  ["min_price=1e3", "min_price"],
  ["min_price=1.999", "min_price"],
  ["min_price=", "min_price"],
  ["max_price=99999999999999999", "max_price"],
  ["max_price=NaN", "max_price"],
  ["in_stock=maybe", "in_stock"],
  ["sort=random", "sort"],
  ["page=0", "page"],
  ["page_size=-1", "page_size"],
  ["cursor=nonsense", "cursor"],
  [`store_id=${"x".repeat(65)}`, "store_id"],
  ["store_id=a%00", "store_id"],
  ["category=a%00", "category"],
  ["q=a&q=b", "q"],
])("refuses %s", async (query, field) => {
  const answer = await api("GET", `/search/products?${query}`);
  expect(answer).toMatchObject({ status: 400, body: { code: "invalid_query", errors: [{ field }] } });
});

test("a cursor that is none of ours leads nowhere bad", async () => {
  await givenProducts([{ title: "Blue mug" }, { title: "Red mug" }]);
  for (const key of [-1, 0.5, 1e15, 1e300, -1e300, 2]) {
    for (const sort of ["relevance", "price_asc", "newest"]) {
      const cursor = encodeCursor({ key, id: "x" });
      const answer = await ask({ q: "mug", sort, cursor });
      expect([key, sort, answer.status]).toEqual([key, sort, 200]);
    }
  }
});
