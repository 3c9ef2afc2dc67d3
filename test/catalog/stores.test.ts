import { beforeEach, describe, expect, it } from "vitest";
import { givenCatalog } from "../support/catalog.ts";
import { signIn } from "../support/sign-in.ts";
import { api, STAMP } from "./api.ts";

let staff: Record<string, string>;
beforeEach(async () => {
  staff = (await signIn("staff")).headers;
});

const create = (body: unknown, headers = {}) => api("POST", "/stores", { ...staff, ...headers }, body);

describe("a store", () => {
  it("is created, read and changed", async () => {
    const created = await create({ name: "Amsterdam", address: "Damrak 1", country: "nl", priority: 1 });
    expect(created.status).toBe(201);
    expect(created.headers.get("etag")).toBe('"1"');
    expect(created.body).toEqual({
      id: expect.stringMatching(/^sto_[0-9a-z]{26}$/),
      name: "Amsterdam",
      address: "Damrak 1",
      country: "NL",
      priority: 1,
      created_at: expect.stringMatching(STAMP),
      updated_at: created.body.created_at,
      version: 1,
    });
    const path = `/stores/${created.body.id}`;
    expect((await api("GET", path)).body).toEqual(created.body);
    const changed = await api("PATCH", path, staff, { priority: 0, country: "be" });
    expect(changed).toMatchObject({
      status: 200,
      body: { name: "Amsterdam", country: "BE", priority: 0, version: 2 },
    });
    expect((await api("GET", path, { "If-None-Match": '"2"' })).status).toBe(304);
    expect((await api("DELETE", path, staff)).status).toBe(405);
  });

  it("is fairly preferred unless said otherwise", async () => {
    expect((await create({ name: "Lyon", country: "FR" })).body).toMatchObject({
      address: "",
      priority: 100,
    });
  });

  it("is created once under an Idempotency-Key", async () => {
    const twins = await Promise.all(
      Array.from({ length: 4 }, () => create({ name: "Lyon", country: "FR" }, { "Idempotency-Key": "lyon" })),
    );
    expect(twins.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect((await api("GET", "/stores")).body.count).toBe(1);
  });

  it.each([
    ["its case", "Lyon", "lYON"],
    ["its case in another script", "МОСКВА", "Москва"],
    ["the case of ß", "Weiße Gasse", "WEISSE GASSE"],
    ["the form of Unicode", "Caf\u00e9", "Cafe\u0301"],
    ["spaces", "New  York", " New\u00a0York "],
    ["wide letters", "OSAKA", "ＯＳＡＫＡ"],
  ])("has a name of its own, whatever %s", async (_, name, same) => {
    const first = await create({ name, country: "FR" });
    expect(await create({ name: same, country: "FR" })).toMatchObject({
      status: 409,
      body: { code: "name_taken", errors: [{ field: "name", code: "name_taken" }] },
    });
    const other = await create({ name: "Another", country: "FR" });
    const path = `/stores/${other.body.id}`;
    expect(await api("PATCH", path, staff, { name: same, priority: 5 })).toMatchObject({
      status: 409,
      body: { code: "name_taken", errors: [{ field: "name" }] },
    });
    expect((await api("GET", path)).body).toEqual(other.body);
    expect((await api("PATCH", path, { ...staff, "If-Match": '"7"' }, { name: same })).status).toBe(412);
    // Its own name it may write otherwise, and what it leaves is free.
    const own = `/stores/${first.body.id}`;
    expect((await api("PATCH", own, staff, { name: same })).status).toBe(200);
    expect((await api("PATCH", own, staff, { name: "Elsewhere" })).status).toBe(200);
    expect((await create({ name, country: "FR" })).status).toBe(201);
    expect((await create({ name: "elsewhere", country: "FR" })).status).toBe(409);
  });

  it("may have what others would take for another name", async () => {
    for (const name of ["Apfel", "Äpfel", "Apfel 2", "A pfel"]) {
      expect([name, (await create({ name, country: "DE" })).status]).toEqual([name, 201]);
    }
  });

  it("has its name alone when twins race for one, new ones and renamed ones", async () => {
    const made = await Promise.all(
      Array.from({ length: 4 }, (_, n) => create({ name: `S${n}`, country: "FR" })),
    );
    const answers = await Promise.all([
      ...Array.from({ length: 4 }, () => create({ name: "LYON", country: "FR" })),
      ...made.map(({ body }) => api("PATCH", `/stores/${body.id}`, staff, { name: "lyon" })),
    ]);
    expect(answers.map(({ status }) => status).filter((status) => status !== 409)).toHaveLength(1);
    const names = (await api("GET", "/stores")).body.results.map(({ name }) => name.toLowerCase());
    expect(names.filter((name: string) => name === "lyon")).toHaveLength(1);
  });

  it("honours If-Match", async () => {
    const { storeIds } = await givenCatalog({ stores: 1, products: 0 });
    const edits = await Promise.all(
      [1, 2, 3].map((priority) =>
        api("PATCH", `/stores/${storeIds[0]}`, { ...staff, "If-Match": '"1"' }, { priority }),
      ),
    );
    expect(edits.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
  });

  it.each([
    ["no country", { name: "Lyon" }, "country"],
    ["an unknown country", { name: "Lyon", country: "XX" }, "country"],
    ["a country's name", { name: "Lyon", country: "France" }, "country"],
    ["a broken priority", { name: "Lyon", country: "FR", priority: 1.5 }, "priority"],
    ["a negative priority", { name: "Lyon", country: "FR", priority: -1 }, "priority"],
    ["a long address", { name: "Lyon", country: "FR", address: "x".repeat(501) }, "address"],
    ["no name", { country: "FR" }, "name"],
  ])("refuses %s", async (_, body, field) => {
    expect(await create(body)).toMatchObject({ status: 422, body: { errors: [{ field }] } });
  });

  it("is written by staff alone", async () => {
    const { storeIds } = await givenCatalog({ stores: 1, products: 0 });
    const customer = (await signIn("customer")).headers;
    for (const [headers, status] of [
      [{}, 401],
      [customer, 403],
    ] as const) {
      expect((await api("POST", "/stores", headers, { name: "Lyon", country: "FR" })).status).toBe(status);
      expect((await api("PATCH", `/stores/${storeIds[0]}`, headers, { priority: 1 })).status).toBe(status);
    }
  });

  it("is not there", async () => {
    expect((await api("GET", "/stores/sto_none")).status).toBe(404);
    expect((await api("PATCH", "/stores/sto_none", staff, { priority: 1 })).status).toBe(404);
  });
});

it("lists stores, newest first", async () => {
  const { storeIds } = await givenCatalog({ stores: 3, products: 0 });
  const first = await api("GET", "/stores?page_size=2");
  const rest = await api("GET", `/stores?page_size=2&cursor=${first.body.next_cursor}`);
  const ids = [...first.body.results, ...rest.body.results].map(({ id }) => id);
  expect(ids).toEqual([...storeIds].reverse());
  expect(rest.body).toMatchObject({ has_next: false, next_cursor: null });
});
