import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { givenCatalog } from "../support/catalog.ts";
import { testClock } from "../support/clock.ts";
import { type SignedIn, signIn } from "../support/sign-in.ts";
import { api, STAMP } from "./api.ts";

let user: SignedIn;
let staff: Record<string, string>;
let category: string;
beforeEach(async () => {
  user = await signIn("staff");
  staff = user.headers;
  category = (await api("POST", "/categories", staff, { name: "Mugs" })).body.id;
});

const MUG = { sku: "MUG", title: "Mug", price: { amount: "19.99", currency: "USD" } };

const create = (body: Record<string, unknown>, headers = {}) =>
  api("POST", "/products", { ...staff, ...headers }, { category_id: category, ...body });

const eventsOf = async (id: string) =>
  (
    await env.DB.prepare(
      "SELECT type, object_type, object_version, data FROM events WHERE object_id = ?1 ORDER BY seq",
    )
      .bind(id)
      .all<{ type: string; object_type: string; object_version: number; data: string }>()
  ).results.map((event) => ({ ...event, data: JSON.parse(event.data) }));

describe("a product", () => {
  it("is created with what is usual, read, changed and archived", async () => {
    const created = await create(MUG);
    expect(created.status).toBe(201);
    expect(created.headers.get("etag")).toBe('"1"');
    expect(created.body).toEqual({
      id: expect.stringMatching(/^prd_[0-9a-z]{26}$/),
      sku: "MUG",
      title: "Mug",
      description: "",
      category: { id: category, name: "Mugs" },
      price: { amount: "19.99", currency: "USD" },
      low_stock_threshold: 10,
      active: true,
      attributes: {},
      created_at: expect.stringMatching(STAMP),
      updated_at: created.body.created_at,
      version: 1,
    });
    const path = `/products/${created.body.id}`;

    testClock.advance(1000);
    const other = (await api("POST", "/categories", staff, { name: "Cups" })).body.id;
    const change = {
      sku: "CUP",
      title: "Cup",
      description: "To drink from",
      category_id: other,
      price: { amount: 5, currency: "jpy" },
      low_stock_threshold: 0,
      attributes: { colour: "blue", sizes: [1, { big: null }] },
    };
    const changed = await api("PATCH", path, staff, change);
    const { category_id: _, ...plain } = change;
    expect(changed.status).toBe(200);
    expect(changed.headers.get("etag")).toBe('"2"');
    expect(changed.body).toEqual({
      ...created.body,
      ...plain,
      category: { id: other, name: "Cups" },
      price: { amount: "5", currency: "JPY" },
      version: 2,
      updated_at: new Date(testClock.now()).toISOString(),
    });

    expect(await api("DELETE", path, staff)).toMatchObject({ status: 204, body: null });
    expect((await api("DELETE", path, staff)).status).toBe(204);
    const page = await api("GET", path);
    const tag = page.headers.get("etag") ?? "none";
    expect(tag).toMatch(/^"3\.[0-9a-f]{16}"$/);
    const unchanged = await api("GET", path, { "If-None-Match": `W/${tag}` });
    expect([unchanged.status, unchanged.body, unchanged.headers.get("etag")]).toEqual([304, null, tag]);
    expect(page.body).toMatchObject({ ...changed.body, active: false, version: 3 });

    expect(await api("PATCH", path, staff, { active: true })).toMatchObject({
      status: 200,
      body: { active: true, version: 4 },
    });
  });

  it("leaves its history and an event for each change, and none for what changes nothing", async () => {
    const created = (await create(MUG)).body;
    const path = `/products/${created.id}`;
    testClock.advance(1000);
    const changed = (await api("PATCH", path, staff, { price: { amount: "20" } })).body;
    expect((await api("PATCH", path, staff, { price: { amount: "20.0" }, sku: " MUG" })).body).toEqual(
      changed,
    );
    expect((await api("PATCH", path, staff, {})).body).toEqual(changed);
    await api("DELETE", path, staff);
    const archived = { ...changed, active: false, version: 3 };

    const history = await api("GET", `${path}/history`, staff);
    expect(history.body).toMatchObject({ count: 3, has_next: false });
    expect(history.body.results).toEqual([
      { version: 1, at: created.created_at, actor: user.id, action: "created", snapshot: created },
      { version: 2, at: changed.updated_at, actor: user.id, action: "updated", snapshot: changed },
      { version: 3, at: changed.updated_at, actor: user.id, action: "archived", snapshot: archived },
    ]);
    expect(await eventsOf(created.id)).toEqual([
      { type: "product.created", object_type: "product", object_version: 1, data: created },
      { type: "product.updated", object_type: "product", object_version: 2, data: changed },
      { type: "product.archived", object_type: "product", object_version: 3, data: archived },
    ]);

    const first = await api("GET", `${path}/history?page_size=2`, staff);
    const rest = await api("GET", `${path}/history?page_size=2&cursor=${first.body.next_cursor}`, staff);
    expect(rest.body).toMatchObject({ has_next: false, results: [{ version: 3 }] });
  });

  it("takes the shop's currency when a price names none, and later its own", async () => {
    expect((await create({ ...MUG, price: { amount: "3" } })).body.price).toEqual({
      amount: "3.00",
      currency: "USD",
    });
    const yen = (await create({ ...MUG, sku: "YEN", price: { amount: "300", currency: "JPY" } })).body;
    expect(
      (await api("PATCH", `/products/${yen.id}`, staff, { price: { amount: "400" } })).body.price,
    ).toEqual({ amount: "400", currency: "JPY" });
  });

  it("keeps attributes as they came, whatever is in them", async () => {
    const big = JSON.parse(`${'{"a":'.repeat(50)}[-0, 1e999]${"}".repeat(50)}`);
    const attributes = { big, nested: [[[{ a: [1.5, -2, true, null, 'é😀\n"'] }]]], "": "", "a.b": {} };
    const { id } = (await create({ ...MUG, attributes })).body;
    expect((await api("GET", `/products/${id}`)).body.attributes).toEqual(
      JSON.parse(JSON.stringify(attributes)),
    );
    expect((await api("PATCH", `/products/${id}`, staff, { attributes })).body.version).toBe(1);
  });

  it.each([
    ["no sku", { sku: undefined }, "sku"],
    ["a blank sku", { sku: " " }, "sku"],
    ["a long sku", { sku: "x".repeat(101) }, "sku"],
    ["no title", { title: undefined }, "title"],
    ["a long title", { title: "x".repeat(301) }, "title"],
    ["a long description", { description: "x".repeat(10_001) }, "description"],
    ["no category", { category_id: undefined }, "category_id"],
    ["an unknown category", { category_id: "cat_none" }, "category_id"],
    ["no price", { price: undefined }, "price"],
    ["a price that is a number", { price: 5 }, "price"],
    ["a negative price", { price: { amount: "-1", currency: "USD" } }, "price.amount"],
    ["too many decimals", { price: { amount: "1.001", currency: "USD" } }, "price.amount"],
    ["decimals of yen", { price: { amount: "1.5", currency: "JPY" } }, "price.amount"],
    ["a price in words", { price: { amount: "one", currency: "USD" } }, "price.amount"],
    ["a huge price", { price: { amount: 1e21, currency: "USD" } }, "price.amount"],
    ["a third digit of ariary", { price: { amount: "1.005", currency: "MGA" } }, "price.amount"],
    ["ounces of gold", { price: { amount: "1", currency: "XAU" } }, "price.currency"],
    ["an unknown currency", { price: { amount: "1", currency: "XXQ" } }, "price.currency"],
    ["a negative threshold", { low_stock_threshold: -1 }, "low_stock_threshold"],
    ["a broken threshold", { low_stock_threshold: 1.5 }, "low_stock_threshold"],
    ["active in words", { active: "yes" }, "active"],
    ["attributes in a row", { attributes: [1] }, "attributes"],
    ["large attributes", { attributes: { a: "é".repeat(5_000) } }, "attributes"],
  ])("refuses %s, new or changed", async (_, wrong, field) => {
    const refused = await create({ ...MUG, ...wrong });
    expect(refused).toMatchObject({ status: 422, body: { code: "invalid_body", errors: [{ field }] } });
    if (Object.values(wrong)[0] === undefined) return;
    const { productIds } = await givenCatalog({ products: 1 });
    const path = `/products/${productIds[0]}`;
    expect(await api("PATCH", path, staff, wrong)).toMatchObject({
      status: 422,
      body: { code: "invalid_body", errors: [{ field }] },
    });
    expect((await api("GET", path)).body.version).toBe(1);
  });

  it.each(["prd_none", "x".repeat(300), "%00"])("is not there: %s", async (id) => {
    const gone = { status: 404, body: { code: "not_found" } };
    expect(await api("GET", `/products/${id}`)).toMatchObject(gone);
    expect(await api("GET", `/products/${id}/history`, staff)).toMatchObject(gone);
    expect(await api("PATCH", `/products/${id}`, staff, { title: "Cup" })).toMatchObject(gone);
    expect(await api("DELETE", `/products/${id}`, staff)).toMatchObject(gone);
  });

  it("is written, and its history read, by staff alone", async () => {
    const { productIds } = await givenCatalog({ products: 1 });
    const path = `/products/${productIds[0]}`;
    const customer = (await signIn("customer")).headers;
    for (const [headers, status] of [
      [{}, 401],
      [customer, 403],
    ] as const) {
      const body = { ...MUG, category_id: category };
      expect((await api("POST", "/products", headers, body)).status).toBe(status);
      expect((await api("POST", "/products/bulk", headers, { products: [body] })).status).toBe(status);
      expect((await api("PATCH", path, headers, { title: "Cup" })).status).toBe(status);
      expect((await api("DELETE", path, headers)).status).toBe(status);
      expect((await api("GET", `${path}/history`, headers)).status).toBe(status);
    }
    expect((await api("GET", path)).body).toMatchObject({ title: "Product 1", version: 1, active: true });
    expect((await api("GET", "/products")).body.count).toBe(1);
  });
});

describe("of many at once", () => {
  it("one gets a new sku", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => create(MUG)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: "sku_taken",
      errors: [{ field: "sku" }],
    });
    const { results } = await env.DB.prepare(
      "SELECT (SELECT count(*) FROM products) AS products, (SELECT count(*) FROM product_history) AS history, (SELECT count(*) FROM events) AS events",
    ).all();
    expect(results).toEqual([{ products: 1, history: 1, events: 1 }]);
  });

  it("all get the same product under one Idempotency-Key", async () => {
    const key = { "Idempotency-Key": "mug-1" };
    const twins = await Promise.all(Array.from({ length: 6 }, () => create(MUG, key)));
    expect(twins.map(({ status, body }) => [status, body])).toEqual(Array(6).fill([201, twins[0]?.body]));
    expect((await create(MUG, key)).body).toEqual(twins[0]?.body);
    expect(await eventsOf(twins[0]?.body.id ?? "")).toHaveLength(1);
    expect(await create({ ...MUG, sku: "CUP" }, key)).toMatchObject({
      status: 422,
      body: { code: "idempotency_key_reused" },
    });
    expect((await create(MUG, { "Idempotency-Key": "mug-2" })).body.code).toBe("sku_taken");
  });

  it("one moves to a sku, and nobody to one that is taken", async () => {
    const { productIds, skus } = await givenCatalog({ products: 4 });
    const moves = await Promise.all(
      productIds.map((id) => api("PATCH", `/products/${id}`, staff, { sku: "NEW" })),
    );
    expect(moves.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const moved = productIds[moves.findIndex(({ status }) => status === 200)] ?? "";
    const other = productIds.find((id) => id !== moved) ?? "";
    expect(await api("PATCH", `/products/${other}`, staff, { sku: "NEW", title: "Cup" })).toMatchObject({
      status: 409,
      body: { code: "sku_taken" },
    });
    expect((await api("GET", `/products/${other}`)).body).toMatchObject({
      sku: skus[productIds.indexOf(other)],
      title: `Product ${productIds.indexOf(other) + 1}`,
      version: 1,
    });
    expect(await eventsOf(other)).toEqual([]);
  });

  it("one edits from the version that all have read", async () => {
    const { productIds } = await givenCatalog({ products: 1 });
    const path = `/products/${productIds[0]}`;
    const edits = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        api("PATCH", path, { ...staff, "If-Match": '"1"' }, { title: `Cup ${index}` }),
      ),
    );
    expect(edits.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412]);
    expect(edits.find(({ status }) => status === 412)?.body.code).toBe("stale");
    const won = edits.find(({ status }) => status === 200)?.body;
    expect((await api("GET", path)).body).toMatchObject({ title: won?.title, version: 2 });
    expect(await eventsOf(productIds[0] ?? "")).toMatchObject([{ object_version: 2, data: won }]);

    expect((await api("DELETE", path, { ...staff, "If-Match": '"1"' })).status).toBe(412);
    expect((await api("PATCH", path, { ...staff, "If-Match": "nonsense" }, {})).status).toBe(412);
    expect((await api("PATCH", path, { ...staff, "If-Match": "*" }, { title: "Any" })).status).toBe(200);
    expect((await api("DELETE", path, { ...staff, "If-Match": '"3"' })).status).toBe(204);
  });

  it("each edit without If-Match counts, on top of the others", async () => {
    const { productIds } = await givenCatalog({ products: 1 });
    const path = `/products/${productIds[0]}`;
    const edits = await Promise.all([
      api("PATCH", path, staff, { title: "Cup" }),
      api("PATCH", path, staff, { description: "To drink from" }),
      api("PATCH", path, staff, { low_stock_threshold: 3 }),
    ]);
    expect(edits.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await api("GET", path)).body).toMatchObject({
      title: "Cup",
      description: "To drink from",
      low_stock_threshold: 3,
      version: 4,
    });
    expect((await eventsOf(productIds[0] ?? "")).map((event) => event.object_version)).toEqual([2, 3, 4]);
  });

  it("none gets into a category that is being deleted", async () => {
    const [deleted, ...made] = await Promise.all([
      api("DELETE", `/categories/${category}`, staff),
      ...Array.from({ length: 4 }, (_, index) => create({ ...MUG, sku: `MUG-${index}` })),
    ]);
    const statuses = made.map(({ status }) => status);
    if (deleted?.status === 204) expect(statuses).toEqual([422, 422, 422, 422]);
    else expect(statuses).toContain(201);
    const { results } = await env.DB.prepare(
      "SELECT id FROM products WHERE category_id NOT IN (SELECT id FROM categories)",
    ).all();
    expect(results).toEqual([]);
  });
});
