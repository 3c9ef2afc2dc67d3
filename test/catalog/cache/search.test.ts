import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { givenCatalog } from "../../support/catalog.ts";
import { testClock } from "../../support/clock.ts";
import { signIn } from "../../support/sign-in.ts";
import { newIsolate } from "./isolate.ts";

/** Search through the cache: what hangs on stock is a few seconds old at most, and limits count what memory has. */

let catalog: Awaited<ReturnType<typeof givenCatalog>>;
beforeEach(async () => {
  catalog = await givenCatalog({ products: 2, stores: 2 });
});

test("a search costs nothing the second time, however it is spelled, and is shared through KV", async () => {
  const { visit } = newIsolate();
  const first = await visit("/search/products?q=product&sort=relevance");
  expect(first.answer.body.count).toBe(2);
  const again = await visit("/search/products?sort=relevance&q=product");
  expect([again.before, again.after, again.answer.text]).toEqual([[], ["KV.put"], first.answer.text]);
  expect((await visit("/search/products?q=product")).before).toEqual([]);
});

test("stock in it is three seconds old at most, here and anywhere", async () => {
  const { visit } = newIsolate();
  const units = async (available: number) =>
    env.DB.prepare(
      `INSERT OR REPLACE INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
       VALUES (?1, ?2, ?3, 0, ?3, 1, 1, 1)`,
    )
      .bind(catalog.productIds[0], catalog.storeIds[0], available)
      .run();
  const paths = ["/search/products?in_stock=true", `/search/products?store_id=${catalog.storeIds[0]}`];
  const seen = async () => {
    const answers = await Promise.all(paths.map(async (path) => (await visit(path)).answer));
    for (const { headers } of answers) expect(headers.get("Cache-Control")).toBe("public, no-cache");
    const [inStock, ofStore] = answers.map(({ body }) => body.results);
    return [inStock?.length, ...(ofStore ?? []).map((row) => Reflect.get(row, "store_quantity"))];
  };
  expect(await seen()).toEqual([0, 0, 0]);
  await units(7);
  testClock.advance(2_999);
  expect(await seen()).toEqual([0, 0, 0]);
  testClock.advance(1);
  expect(await seen()).toEqual([1, 0, 7]);
  // Only which products there are may be older than that.
  const { keys } = await env.CACHE.list();
  expect(keys).toHaveLength(1);
  expect(await env.CACHE.get(keys[0]?.name ?? "")).not.toContain("store_quantity");
});

test("which products a search finds is found once for all stores; what each of them has is asked besides", async () => {
  const { visit } = newIsolate();
  const [near, far] = catalog.storeIds;
  const [page, quantities] = ["D1.all", "D1.all"];
  const one = await visit(`/search/products?q=product&sort=price_asc&store_id=${near}`);
  expect(one.before).toEqual(["D1.first", "KV.getWithMetadata", page, quantities]);
  const other = await visit(`/search/products?q=product&sort=price_asc&store_id=${far}`);
  expect(other.before).toEqual(["KV.put", quantities]);
  const nowhere = await visit("/search/products?q=product&sort=price_asc");
  expect(nowhere.before).toEqual([]);
  const here = await visit(`/search/products?q=product&sort=price_asc&store_id=${near}&in_stock=true`);
  expect(here.before).toEqual([page, quantities]);
});

test("staff search what is there now", async () => {
  const { visit } = newIsolate();
  const { headers } = await signIn("staff");
  await visit("/search/products?q=product", { headers });
  await env.DB.prepare("UPDATE products SET title = 'Renamed product' WHERE id = ?1")
    .bind(catalog.productIds[1])
    .run();
  const { answer } = await visit("/search/products?q=renamed", { headers });
  expect(answer.body.results[0].title).toBe("Renamed product");
  expect(answer.headers.get("Cache-Control")).toBe("private, no-store");
});

test("suggestions that memory has count against their limit, and say what is left of it", async () => {
  const { visit } = newIsolate({ SUGGESTIONS_PER_MINUTE: "2" });
  const left: (string | null)[] = [];
  for (let n = 0; n < 2; n++)
    left.push((await visit("/search/suggest?q=prod")).answer.headers.get("RateLimit"));
  expect(left).toEqual(['"suggestions";r=1;t=60', '"suggestions";r=0;t=60']);
  expect((await visit("/search/suggest?q=prod")).answer.status).toBe(429);
});
