import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { givenCatalog } from "../support/catalog.ts";
import { signIn } from "../support/sign-in.ts";
import { api } from "./api.ts";
import { probe } from "./probe.ts";

let staff: Record<string, string>;
let category: string;
let product: string;
let path: string;
beforeEach(async () => {
  staff = (await signIn("staff")).headers;
  const given = await givenCatalog({ products: 1 });
  category = given.categoryIds[0] ?? "";
  product = given.productIds[0] ?? "";
  path = `/products/${product}`;
});

const mug = () => ({ sku: "MUG", title: "Mug", category_id: category, price: { amount: "1" } });

/** What stands of all that was tried: versions in the event log and in history, by product. */
const traces = async (id: string) => {
  const versions = async (sql: string) =>
    (await env.DB.prepare(sql).bind(id).all<{ version: number }>()).results.map(({ version }) => version);
  return {
    events: await versions("SELECT object_version AS version FROM events WHERE object_id = ?1 ORDER BY seq"),
    history: await versions("SELECT version FROM product_history WHERE product_id = ?1 ORDER BY version"),
  };
};
const count = (table: string) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>("n");

describe("somebody else comes between the reading and the writing", () => {
  it("of an edit with If-Match: it is stale, and leaves nothing", async () => {
    const { send } = probe({
      before: async (trip) => trip === 2 && api("PATCH", path, staff, { title: "Theirs" }),
    });
    const mine = await send("PATCH", path, { ...staff, "If-Match": '"1"' }, { title: "Mine" });
    expect(mine).toMatchObject({ status: 412, body: { code: "stale" } });
    expect((await api("GET", path)).body).toMatchObject({ title: "Theirs", version: 2 });
    expect(await traces(product)).toEqual({ events: [2], history: [2] });
  });

  it("of an edit without: it is made on top of theirs", async () => {
    const { send, seen } = probe({
      before: async (trip) => trip === 2 && api("PATCH", path, staff, { title: "Theirs" }),
    });
    const mine = await send("PATCH", path, staff, { description: "Mine" });
    expect(mine).toMatchObject({ status: 200, body: { title: "Theirs", description: "Mine", version: 3 } });
    expect(seen.roundTrips).toBe(4);
    expect(await traces(product)).toEqual({ events: [2, 3], history: [2, 3] });
  });

  it("of an edit, each time: it is given up", async () => {
    const { send } = probe({
      before: async (trip) => trip % 2 === 0 && api("PATCH", path, staff, { title: `Theirs ${trip}` }),
    });
    const mine = await send("PATCH", path, staff, { description: "Mine" });
    expect(mine).toMatchObject({ status: 503, body: { code: "contended" } });
    expect(mine.headers.get("retry-after")).toBe("1");
    expect((await api("GET", path)).body).toMatchObject({ description: "What product 1 is", version: 6 });
    expect(await traces(product)).toEqual({ events: [2, 3, 4, 5, 6], history: [2, 3, 4, 5, 6] });
  });

  it("of an edit, and takes its sku", async () => {
    const { send } = probe({ before: async (trip) => trip === 2 && api("POST", "/products", staff, mug()) });
    const mine = await send("PATCH", path, staff, { sku: "MUG" });
    expect(mine).toMatchObject({ status: 409, body: { code: "sku_taken" } });
    expect((await api("GET", path)).body.version).toBe(1);
    expect(await traces(product)).toEqual({ events: [], history: [] });
  });

  it("of an edit, and deletes its new category", async () => {
    const other = (await api("POST", "/categories", staff, { name: "Other" })).body.id;
    const { send } = probe({
      before: async (trip) => trip === 2 && api("DELETE", `/categories/${other}`, staff),
    });
    expect(await send("PATCH", path, staff, { category_id: other })).toMatchObject({
      status: 422,
      body: { errors: [{ field: "category_id", code: "unknown_category" }] },
    });
    expect(await traces(product)).toEqual({ events: [], history: [] });
  });

  it("of a creation, and takes its sku", async () => {
    const { send } = probe({
      before: async (trip) => trip === 2 && api("POST", "/products", staff, { ...mug(), title: "Theirs" }),
    });
    expect(await send("POST", "/products", staff, mug())).toMatchObject({
      status: 409,
      body: { code: "sku_taken" },
    });
    expect((await api("GET", "/products")).body.results[0]).toMatchObject({ sku: "MUG", title: "Theirs" });
    expect([await count("events"), await count("product_history")]).toEqual([1, 1]);
  });

  it("of a creation, and deletes its category", async () => {
    const other = (await api("POST", "/categories", staff, { name: "Other" })).body.id;
    const { send } = probe({
      before: async (trip) => trip === 2 && api("DELETE", `/categories/${other}`, staff),
    });
    expect(await send("POST", "/products", staff, { ...mug(), category_id: other })).toMatchObject({
      status: 422,
      body: { errors: [{ field: "category_id", code: "unknown_category" }] },
    });
    expect([await count("products"), await count("events")]).toEqual([1, 0]);
  });

  it("of a bulk: what lost is looked at again, the rest stands", async () => {
    const { send } = probe({
      before: async (trip) => trip === 2 && api("POST", "/products", staff, { ...mug(), title: "Theirs" }),
    });
    const { body } = await send("POST", "/products/bulk", staff, {
      products: [{ ...mug(), sku: "CUP" }, mug()],
    });
    expect(body).toMatchObject({ created: 1, updated: 1, failed: 0 });
    const stands = (await api("GET", `/products/${body.results[1].id}`)).body;
    expect(stands).toMatchObject({ sku: "MUG", title: "Mug", version: 2 });
    expect(await traces(stands.id)).toEqual({ events: [1, 2], history: [1, 2] });
    expect(await traces(body.results[0].id)).toEqual({ events: [1], history: [1] });
  });

  it("of a bulk, each time: the item fails alone", async () => {
    await api("POST", "/products", staff, mug());
    const id = (await api("GET", "/products")).body.results[0].id;
    const { send } = probe({
      before: async (trip) =>
        trip % 2 === 0 && api("PATCH", `/products/${id}`, staff, { description: `Theirs ${trip}` }),
    });
    const { body } = await send("POST", "/products/bulk", staff, {
      products: [
        { sku: "MUG", title: "Mine" },
        { ...mug(), sku: "CUP" },
      ],
    });
    expect(body).toMatchObject({
      created: 1,
      failed: 1,
      results: [{ status: "failed", errors: [{ field: "sku", code: "contended" }] }, { status: "created" }],
    });
    expect((await api("GET", `/products/${id}`)).body).toMatchObject({ title: "Mug", version: 4 });
  });
});

it("finds its own product again when the answer under its key was lost", async () => {
  const headers = { ...staff, "Idempotency-Key": "mug-1" };
  const created = await api("POST", "/products", headers, mug());
  await env.DB.prepare("UPDATE idempotency SET status = NULL, body = NULL").run();
  const again = await api("POST", "/products", headers, mug());
  expect(again).toMatchObject({ status: 201, body: created.body });
  expect(await traces(created.body.id)).toEqual({ events: [1], history: [1] });
});
