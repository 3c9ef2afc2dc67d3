import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { givenCatalog } from "../../support/catalog.ts";
import { testClock } from "../../support/clock.ts";
import { type SignedIn, signIn } from "../../support/sign-in.ts";
import { newIsolate } from "./isolate.ts";

/** Who sees a write, and when. */

const MINUTE = 60;

let staff: SignedIn;
let catalog: Awaited<ReturnType<typeof givenCatalog>>;
beforeEach(async () => {
  catalog = await givenCatalog({ products: 2 });
  staff = await signIn("staff");
});

const seconds = (cacheControl: string | null, directive: string): number =>
  Number(new RegExp(`${directive}=(\\d+)`).exec(cacheControl ?? "")?.[1]);

/** Another isolate that has just read everything, and one where staff write. */
async function givenTwoIsolates() {
  const [here, there] = [newIsolate(), newIsolate()];
  const titles = async (isolate: typeof here, headers: Record<string, string> = {}) =>
    (await isolate.visit("/products", { headers })).answer.body.results.map(({ title }) => title);
  const rename = (title: string) =>
    here.visit(`/products/${catalog.productIds[1]}`, {
      method: "PATCH",
      headers: staff.headers,
      body: { title },
    });
  for (const isolate of [here, there]) await titles(isolate);
  return { here, there, titles, rename };
}

test("its writer and all staff see it at once, guests of that isolate too, and everyone within a minute", async () => {
  const { here, there, titles, rename } = await givenTwoIsolates();
  expect((await rename("Renamed")).answer.status).toBe(200);
  expect(await titles(here, staff.headers)).toEqual(["Renamed", "Product 1"]);
  expect(await titles(there, staff.headers)).toEqual(["Renamed", "Product 1"]);
  expect(await titles(here)).toEqual(["Renamed", "Product 1"]);

  // The worst that can be: another isolate that read the generation just before the write, and from then on only guests.
  testClock.advance(9_999);
  const last = await there.visit("/products");
  expect(last.answer.body.results[0].title).toBe("Product 2");
  const control = last.answer.headers.get("Cache-Control");
  const repeated = seconds(control, "max-age") + seconds(control, "stale-while-revalidate");
  expect(10 + repeated).toBeLessThan(MINUTE);
});

test("a write that changes nothing costs guests no more than a look at the generation", async () => {
  const { here, rename } = await givenTwoIsolates();
  await here.visit("/products");
  await rename("Product 2");
  const { before, after } = await here.visit("/products");
  expect([before, after]).toEqual([["D1.first"], []]);
});

test("an isolate that nobody asked in between waits for what is new", async () => {
  const { there, titles, rename } = await givenTwoIsolates();
  await rename("Renamed");
  testClock.advance(10_000);
  expect(await titles(there)).toEqual(["Renamed", "Product 1"]);
});

test("KV does not bring back what was", async () => {
  const { here, there, titles, rename } = await givenTwoIsolates();
  await titles(here);
  await titles(there);
  await rename("Renamed");
  expect(await titles(newIsolate())).toEqual(["Renamed", "Product 1"]);
  await rename("Product 2");
  expect(await titles(newIsolate())).toEqual(["Product 2", "Product 1"]);
});

test("a generation that was read before a write of this isolate's, and comes after it, is not believed", async () => {
  const { here, titles, rename } = await givenTwoIsolates();
  await titles(here);
  const { invalidations } = here.memory;
  const readAt = testClock.now();
  const before = await generation();
  await rename("Renamed");
  here.memory.learnGeneration({ value: before, readAt }, invalidations);
  expect(await titles(here)).toEqual(["Renamed", "Product 1"]);
});

const generation = async (): Promise<string> =>
  (await env.DB.prepare("SELECT generation FROM cache_generation").first<string>("generation")) ?? "none";

describe("the generation", () => {
  const { visit } = newIsolate();
  const item = (sku: string) => ({
    sku,
    title: `The ${sku}`,
    category_id: catalog.categoryIds[0],
    price: { amount: "1.00" },
  });
  const write = async (method: string, path: string, body?: unknown) => {
    const { answer } = await visit(path, { method, headers: staff.headers, body });
    expect(answer.status, `${method} ${path} ${answer.text}`).toBeLessThan(300);
  };

  test.each<[string, () => Promise<void>]>([
    ["a new product", () => write("POST", "/products", item("NEW"))],
    [
      "a changed product",
      () => write("PATCH", `/products/${catalog.productIds[0]}`, { price: { amount: "5.00" } }),
    ],
    ["an archived product", () => write("DELETE", `/products/${catalog.productIds[0]}`)],
    ["a bulk", () => write("POST", "/products/bulk", { products: [item("BULK-1"), item("BULK-2")] })],
    ["a new category", () => write("POST", "/categories", { name: "Another" })],
    ["a renamed category", () => write("PATCH", `/categories/${catalog.categoryIds[0]}`, { name: "Other" })],
    ["a new store", () => write("POST", "/stores", { name: "Another", country: "DE" })],
    ["a changed store", () => write("PATCH", `/stores/${catalog.storeIds[0]}`, { priority: 9 })],
  ])("is another after %s", async (_, change) => {
    const before = await generation();
    await change();
    expect(await generation()).not.toBe(before);
  });

  test("is another after a deleted category", async () => {
    await write("POST", "/categories", { name: "Short-lived" });
    const id = await env.DB.prepare("SELECT id FROM categories WHERE name = 'Short-lived'").first<string>(
      "id",
    );
    const before = await generation();
    await write("DELETE", `/categories/${id}`);
    expect(await generation()).not.toBe(before);
  });

  test("stays after what changes nothing, and after what is refused", async () => {
    const before = await generation();
    await write("PATCH", `/products/${catalog.productIds[0]}`, { title: "Product 1" });
    const path = `/stores/${catalog.storeIds[0]}`;
    const headers = { ...staff.headers, "If-Match": '"7"' };
    expect((await visit(path, { method: "PATCH", headers, body: { priority: 9 } })).answer.status).toBe(412);
    expect(await generation()).toBe(before);
  });

  test("costs a write one row more, a bulk one for each product", async () => {
    const { meta } = await env.DB.prepare("UPDATE stores SET priority = 5 WHERE id = ?1")
      .bind(catalog.storeIds[0])
      .run();
    expect(meta.rows_written).toBe(2);
  });
});

test("without its row the cache takes nothing to be the same", async () => {
  const { visit } = newIsolate();
  await env.DB.prepare("DELETE FROM cache_generation").run();
  expect((await visit("/products")).answer.status).toBe(200);
  await env.DB.prepare("UPDATE products SET title = 'Renamed'").run();
  testClock.advance(10_000);
  expect((await visit("/products")).answer.body.results[0].title).toBe("Renamed");
});
