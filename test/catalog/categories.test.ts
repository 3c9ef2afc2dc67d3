import { beforeEach, describe, expect, it } from "vitest";
import { givenCatalog } from "../support/catalog.ts";
import { testClock } from "../support/clock.ts";
import { signIn } from "../support/sign-in.ts";
import { api, STAMP } from "./api.ts";

let staff: Record<string, string>;
beforeEach(async () => {
  staff = (await signIn("staff")).headers;
});

const create = (body: unknown, headers = {}) => api("POST", "/categories", { ...staff, ...headers }, body);

describe("a category", () => {
  it("is created, read, changed and deleted", async () => {
    const created = await create({ name: "  Books ", description: "To read" });
    expect(created.status).toBe(201);
    expect(created.headers.get("etag")).toBe('"1"');
    expect(created.body).toEqual({
      id: expect.stringMatching(/^cat_[0-9a-z]{26}$/),
      name: "Books",
      description: "To read",
      created_at: expect.stringMatching(STAMP),
      updated_at: created.body.created_at,
      version: 1,
    });
    const path = `/categories/${created.body.id}`;
    expect((await api("GET", path)).body).toEqual(created.body);

    testClock.advance(1000);
    const changed = await api("PATCH", path, staff, { description: "" });
    expect(changed.status).toBe(200);
    expect(changed.headers.get("etag")).toBe('"2"');
    expect(changed.body).toEqual({
      ...created.body,
      description: "",
      version: 2,
      updated_at: new Date(testClock.now()).toISOString(),
    });

    expect((await api("DELETE", path, staff)).status).toBe(204);
    expect((await api("GET", path)).status).toBe(404);
    expect(await api("DELETE", path, staff)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("has a name of its own, whatever its case", async () => {
    const books = await create({ name: "Books" });
    expect(await create({ name: "bOOKS" })).toMatchObject({
      status: 409,
      body: { code: "name_taken", errors: [{ field: "name" }] },
    });
    const films = await create({ name: "Films" });
    const path = `/categories/${films.body.id}`;
    expect(await api("PATCH", path, staff, { name: "BOOKS" })).toMatchObject({
      status: 409,
      body: { code: "name_taken" },
    });
    expect((await api("GET", path)).body).toEqual(films.body);
    expect(await api("PATCH", `/categories/${books.body.id}`, staff, { name: "BOOKS" })).toMatchObject({
      status: 200,
      body: { name: "BOOKS" },
    });
  });

  it("is created once when twins race for one name", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => create({ name: "Books" })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    expect((await api("GET", "/categories")).body.count).toBe(1);
  });

  it("is created once under an Idempotency-Key", async () => {
    const key = { "Idempotency-Key": "books-1" };
    const twins = await Promise.all(Array.from({ length: 4 }, () => create({ name: "Books" }, key)));
    expect(twins.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(twins.map(({ body }) => body.id)).size).toBe(1);
    expect(await create({ name: "Films" }, key)).toMatchObject({
      status: 422,
      body: { code: "idempotency_key_reused" },
    });
  });

  it("is not deleted while a product, even an archived one, is in it", async () => {
    const { categoryIds } = await givenCatalog({ products: 1, active: false });
    expect(await api("DELETE", `/categories/${categoryIds[0]}`, staff)).toMatchObject({
      status: 409,
      body: { code: "category_in_use" },
    });
    expect((await api("GET", `/categories/${categoryIds[0]}`)).status).toBe(200);
  });

  it("honours If-Match, so that of several edits from one version one wins", async () => {
    const { id } = (await create({ name: "Books" })).body;
    const edits = await Promise.all(
      ["a", "b", "c"].map((description) =>
        api("PATCH", `/categories/${id}`, { ...staff, "If-Match": '"1"' }, { description }),
      ),
    );
    expect(edits.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    expect(edits.find(({ status }) => status === 412)?.body.code).toBe("stale");
    const remove = (tag: string) => api("DELETE", `/categories/${id}`, { ...staff, "If-Match": tag });
    expect(await remove('"1"')).toMatchObject({ status: 412, body: { code: "stale" } });
    expect((await remove("nonsense")).status).toBe(412);
    expect((await remove('"7", W/"2"')).status).toBe(204);
  });

  it("answers 304 to who has it already", async () => {
    const { id } = (await create({ name: "Books" })).body;
    const again = await api("GET", `/categories/${id}`, { "If-None-Match": 'W/"1"' });
    expect(again).toMatchObject({ status: 304, body: null });
    expect((await api("GET", `/categories/${id}`, { "If-None-Match": '"2"' })).status).toBe(200);
  });

  it.each([
    ["no name", {}, "name"],
    ["an empty name", { name: "  " }, "name"],
    ["a long name", { name: "x".repeat(101) }, "name"],
    ["a name that is no text", { name: 7 }, "name"],
    ["a NUL", { name: "a\0b" }, "name"],
    ["half a character", { name: "a\ud800" }, "name"],
    ["a long description", { name: "a", description: "x".repeat(2001) }, "description"],
  ])("refuses %s", async (_, body, field) => {
    expect(await create(body)).toMatchObject({ status: 422, body: { errors: [{ field }] } });
  });

  it("is written by staff alone", async () => {
    const { categoryIds } = await givenCatalog({ products: 0 });
    const customer = (await signIn("customer")).headers;
    for (const [headers, status] of [
      [{}, 401],
      [customer, 403],
    ] as const) {
      expect((await api("POST", "/categories", headers, { name: "Books" })).status).toBe(status);
      const path = `/categories/${categoryIds[0]}`;
      expect((await api("PATCH", path, headers, { name: "Books" })).status).toBe(status);
      expect((await api("DELETE", path, headers)).status).toBe(status);
    }
    expect((await api("GET", "/categories")).body.count).toBe(1);
  });

  it.each(["cat_none", "x".repeat(300), "%00", "'--"])("is not there: %s", async (id) => {
    expect(await api("GET", `/categories/${id}`)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect((await api("PATCH", `/categories/${id}`, staff, {})).status).toBe(404);
  });
});

describe("the list of categories", () => {
  it("pages by number and by cursor, newest first", async () => {
    const { categoryIds } = await givenCatalog({ categories: 5, products: 0 });
    const newest = [...categoryIds].reverse();
    const ids = (answer: { body: { results: { id: string }[] } }) => answer.body.results.map(({ id }) => id);

    const first = await api("GET", "/categories?page_size=2");
    expect(first.body).toMatchObject({
      count: 5,
      page: 1,
      page_size: 2,
      total_pages: 3,
      has_next: true,
      has_previous: false,
    });
    const next = await api("GET", `/categories?page_size=2&cursor=${first.body.next_cursor}`);
    expect(next.body).toMatchObject({ count: null, page: null, has_next: true, has_previous: true });
    const last = await api("GET", `/categories?page_size=2&page=3`);
    expect(last.body).toMatchObject({ count: 5, has_next: false, has_previous: true, next_cursor: null });
    expect([...ids(first), ...ids(next), ...ids(last)]).toEqual(newest);

    const past = await api("GET", "/categories?page=9");
    expect(past).toMatchObject({ status: 200, body: { count: 5, results: [], has_next: false } });
    expect((await api("GET", "/categories?page_size=1000")).body.page_size).toBe(100);
  });

  it.each(["page=0", "page=x", "page_size=0", "cursor=!!", "cursor=WyJhIiwiYiJd"])(
    "refuses %s",
    async (query) => {
      expect(await api("GET", `/categories?${query}`)).toMatchObject({
        status: 400,
        body: { code: "invalid_query", errors: [{ field: query.split("=")[0] }] },
      });
    },
  );
});
