import { beforeEach, describe, expect, test } from "vitest";
import { signIn } from "../support/sign-in.ts";
import { api } from "./api.ts";
import { givenProducts } from "./search/given.ts";

let staff: Record<string, string>;
beforeEach(async () => {
  staff = (await signIn("staff")).headers;
});

describe("a search by sku", () => {
  beforeEach(async () => {
    await givenProducts([
      { title: "Teapot", sku: "AB-12-CD", description: "For tea" },
      { title: "Teapot, large", sku: "AB-12-CE" },
      { title: "Ab 12 cd, a book", sku: "BOOK", description: "Ab 12 cd ab 12 cd" },
      { title: "Tea", sku: "TEA" },
      { title: "Kettle", sku: "TEA-9" },
      { title: "Gone", sku: "GONE-1", active: false },
    ]);
  });
  const titles = async (q: string, more = {}) =>
    (await api("GET", `/search/products?${new URLSearchParams({ q, ...more })}`)).body.results.map(
      ({ title }: { title: string }) => title,
    );

  test.each([
    ["AB-12-CD", ["Teapot", "Ab 12 cd, a book"]],
    ["ab12cd", ["Teapot", "Ab 12 cd, a book"]],
    ["ab 12 cd", ["Teapot", "Ab 12 cd, a book"]],
    ["ＡＢ１２ＣＤ", ["Teapot", "Ab 12 cd, a book"]],
    ["AB-12-C", expect.arrayContaining(["Teapot", "Teapot, large"])],
    ["ab12", expect.arrayContaining(["Teapot", "Teapot, large"])],
    // A beginning counts less than a title.
    ["tea", ["Tea", "Teapot", "Teapot, large", "Kettle"]],
    // Archived.
    ["GONE", []],
  ])("for %j", async (q, found) => {
    expect(await titles(q)).toEqual(found);
  });

  test("keeps to the filters, and is counted", async () => {
    expect(await titles("AB-12-CD", { max_price: "1" })).toEqual([]);
    expect((await api("GET", "/search/products?q=ab12cd")).body.count).toBe(2);
    const second = await api("GET", "/search/products?q=ab12cd&page_size=1&page=2");
    expect(second.body.results[0].title).toBe("Ab 12 cd, a book");
  });
});

describe("a sku", () => {
  let category_id: string;
  const mug = (sku: string) => ({ sku, title: "Mug", category_id, price: { amount: "9.00" } });
  beforeEach(async () => {
    category_id = (await api("POST", "/categories", staff, { name: "Mugs" })).body.id;
  });

  test("that is taken is refused with the product that has it, and whether that is archived", async () => {
    const { id } = (await api("POST", "/products", staff, mug("É-1"))).body;
    const other = (await api("POST", "/products", staff, mug("M-2"))).body.id;
    // In another form of Unicode it is the same.
    const refused = () => api("POST", "/products", staff, mug("E\u0301-1"));
    expect(await refused()).toMatchObject({
      status: 409,
      body: { code: "sku_taken", product: { id, active: true } },
    });
    await api("DELETE", `/products/${id}`, staff);
    expect(await refused()).toMatchObject({
      status: 409,
      body: { code: "sku_taken", product: { id, active: false } },
    });
    expect(await api("PATCH", `/products/${other}`, staff, { sku: "É-1" })).toMatchObject({
      status: 409,
      body: { code: "sku_taken", product: { id, active: false } },
    });
  });

  test("lists its product", async () => {
    const { id } = (await api("POST", "/products", staff, mug("M-1"))).body;
    await api("POST", "/products", staff, mug("M-10"));
    const other = (await api("POST", "/categories", staff, { name: "Cups" })).body.id;
    const idsOf = async (query: string, headers = {}) =>
      (await api("GET", `/products?${query}`, headers)).body.results.map(({ id }: { id: string }) => id);
    expect(await idsOf("sku=M-1")).toEqual([id]);
    expect(await idsOf("sku=%20M-1%20&sort=price_asc")).toEqual([id]);
    expect(await idsOf(`sku=M-1&category=${category_id}`)).toEqual([id]);
    for (const active of ["true", "false", "all"]) {
      const unknown = await api("GET", `/products?sku=M-1&category=cat_none&active=${active}`, staff);
      expect([unknown.status, unknown.body.errors?.[0]?.field]).toEqual([422, "category"]);
      expect(await idsOf(`sku=M-1&category=${other}&active=${active}`, staff)).toEqual([]);
    }
    expect(await idsOf("sku=M")).toEqual([]);
    expect((await api("GET", "/products?sku=M-1")).body).toMatchObject({ count: 1, has_next: false });
    await api("DELETE", `/products/${id}`, staff);
    expect(await idsOf("sku=M-1", staff)).toEqual([]);
    expect(await idsOf("sku=M-1&active=false", staff)).toEqual([id]);
    expect(await idsOf("sku=M-1&active=all", staff)).toEqual([id]);
  });

  test("of an archived product in a bulk: updated, and it says that it is not on sale", async () => {
    const { id } = (await api("POST", "/products", staff, mug("M-1"))).body;
    const bulk = async (item: object) =>
      (await api("POST", "/products/bulk", staff, { products: [item] })).body.results[0];
    expect(await bulk({ sku: "M-1", title: "Mug, new" })).toEqual({ index: 0, status: "updated", id });
    await api("DELETE", `/products/${id}`, staff);
    expect(await bulk({ sku: "M-1", title: "Newer" })).toEqual({
      index: 0,
      status: "updated",
      id,
      active: false,
    });
    expect(await bulk({ sku: "M-1", title: "Newer" })).toEqual({
      index: 0,
      status: "updated",
      id,
      active: false,
    });
    expect(await bulk({ sku: "M-1", active: true })).toEqual({ index: 0, status: "updated", id });
  });
});
