import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { givenCatalog } from "../../support/catalog.ts";
import { testClock } from "../../support/clock.ts";
import { signIn } from "../../support/sign-in.ts";
import { Calls, newIsolate } from "./isolate.ts";

/** What an answer of the public catalogue costs, counted at the bindings. */

let catalog: Awaited<ReturnType<typeof givenCatalog>>;
beforeEach(async () => {
  catalog = await givenCatalog({ products: 3 });
});

const GENERATION = "D1.first";

describe("a list of products", () => {
  test("asks D1 once, then nobody; KV has it once it was asked for again", async () => {
    const { visit } = newIsolate();
    const first = await visit("/products");
    expect(first.answer.body.results.map(({ id }) => id)).toEqual([...catalog.productIds].reverse());
    expect(first.before).toEqual([GENERATION, "KV.getWithMetadata", "D1.all"]);
    expect(first.after).toEqual([]);

    const second = await visit("/products");
    expect([second.before, second.after]).toEqual([[], ["KV.put"]]);
    const third = await visit("/products");
    expect([third.before, third.after]).toEqual([[], []]);
    expect(third.answer.text).toBe(first.answer.text);
  });

  test("is found in KV by another isolate, byte for byte", async () => {
    const here = newIsolate();
    const made = await here.visit("/products");
    await here.visit("/products");
    const found = await newIsolate().visit("/products");
    expect([found.before, found.after]).toEqual([[GENERATION, "KV.getWithMetadata"], []]);
    expect(found.answer.text).toBe(made.answer.text);
    for (const name of ["ETag", "Cache-Control", "Content-Type", "Vary"]) {
      expect(found.answer.headers.get(name), name).toBe(made.answer.headers.get(name));
    }
  });

  test("lies in KV for five minutes", async () => {
    const { visit } = newIsolate();
    await visit("/products");
    await visit("/products");
    const { keys } = await env.CACHE.list();
    expect(keys).toHaveLength(1);
    const [, version, ...name] = keys[0]?.name.split("/") ?? [];
    expect([version, name.join("/")]).toEqual([
      env.CF_VERSION_METADATA.id,
      expect.stringMatching(/^[0-9a-f]{32}\/[0-9a-f]{64}$/),
    ]);
    const left = (keys[0]?.expiration ?? 0) - Date.now() / 1000;
    expect(left).toBeGreaterThan(200);
    expect(left).toBeLessThanOrEqual(301);
  });

  test("of another release is another's: what it left in KV may have another shape", async () => {
    const here = newIsolate();
    await here.visit("/products");
    await here.visit("/products");
    const CF_VERSION_METADATA = { ...env.CF_VERSION_METADATA, id: "7f2c1a34-release-after" };
    const after = await newIsolate({ CF_VERSION_METADATA }).visit("/products");
    expect(after.before).toEqual([GENERATION, "KV.getWithMetadata", "D1.all"]);
  });

  test("asks for the generation after the answer from the 5th second on, before it from the 10th", async () => {
    const { visit } = newIsolate();
    await visit("/products");
    await visit("/products");
    testClock.advance(4_999);
    const fresh = await visit("/products");
    expect([fresh.before, fresh.after]).toEqual([[], []]);
    testClock.advance(1);
    const [stale, twin] = await Promise.all([visit("/products"), visit("/products")]);
    expect([stale.before, twin.before, [...stale.after, ...twin.after]]).toEqual([[], [], [GENERATION]]);
    testClock.advance(9_999);
    const renewed = await visit("/products");
    expect([renewed.before, renewed.after]).toEqual([[], [GENERATION]]);
    testClock.advance(10_000);
    const old = await visit("/products");
    expect([old.before, old.after]).toEqual([[GENERATION], []]);
  });

  test("is one for all spellings of a query, and for what no query knows", async () => {
    const { visit } = newIsolate();
    await visit("/products?sort=newest&page=1");
    for (const path of [
      "/products",
      "/products?page=1&sort=newest",
      "/products?utm=x&page_size=20",
      "/products/",
    ]) {
      expect((await visit(path)).before, path).toEqual([]);
    }
    expect((await visit("/products?page=2")).before).toEqual(["KV.getWithMetadata", "D1.all"]);
    expect((await visit("/products?page=0")).answer.status).toBe(400);
  });

  test("is asked for once by all who miss it at once", async () => {
    const { visit } = newIsolate();
    const visits = await Promise.all(Array.from({ length: 20 }, () => visit("/products")));
    expect(visits.flatMap(({ before }) => before).toSorted()).toEqual([
      "D1.all",
      GENERATION,
      "KV.getWithMetadata",
    ]);
    expect(new Set(visits.map(({ answer }) => answer.text)).size).toBe(1);
  });

  test("fails once for all who wait, and is asked for anew after", async () => {
    const { visit } = newIsolate();
    await visit("/products?page=9");
    const calls = new Calls({ at: 1, ending: "call fails" });
    const visits = await Promise.all(Array.from({ length: 5 }, () => visit("/products", { calls })));
    expect(visits.map(({ answer }) => answer.status)).toEqual(Array(5).fill(500));
    expect(calls.calls).toEqual(["KV.getWithMetadata", "D1.all"]);
    expect((await visit("/products")).answer.status).toBe(200);
  });

  test.each(["call fails", "answer lost"] as const)("does without KV: %s", async (ending) => {
    const { visit } = newIsolate();
    const reading = await visit("/products", { calls: new Calls({ at: 1, ending }) });
    expect(reading.answer.status).toBe(200);
    expect(reading.before).toEqual([GENERATION, "KV.getWithMetadata", "D1.all"]);
    const calls = new Calls({ at: 0, ending });
    expect((await visit("/products", { calls })).answer.status).toBe(200);
    expect(calls.calls).toEqual(["KV.put"]);
    const next = await visit("/products");
    expect([next.before, next.after]).toEqual([[], []]);
  });

  test("takes nothing from KV that is not an answer", async () => {
    const { visit } = newIsolate();
    const { answer } = await visit("/products");
    await visit("/products");
    const { keys } = await env.CACHE.list();
    await env.CACHE.put(keys[0]?.name ?? "", "scribble");
    expect((await newIsolate().visit("/products")).answer.text).toBe(answer.text);
  });

  test("is read anew by staff each time, from D1 alone", async () => {
    const { visit, memory } = newIsolate();
    for (const role of ["staff", "admin"] as const) {
      const { headers } = await signIn(role);
      for (let n = 0; n < 2; n++) {
        const { before, after } = await visit("/products", { headers });
        expect([before, after]).toEqual([["D1.batch"], []]);
      }
    }
    expect(memory.answers.calculatedSize).toBe(0);
  });

  test("is a guest's for a customer too", async () => {
    const { visit } = newIsolate();
    await visit("/products");
    const { headers } = await signIn("customer");
    const { before, answer } = await visit("/products", { headers });
    expect(before).toEqual([]);
    expect(answer.headers.get("Cache-Control")).toBe("private, max-age=10, stale-while-revalidate=30");
  });

  test("of 300 kilobytes is made anew each time", async () => {
    await env.DB.prepare("UPDATE products SET description = ?1").bind("x".repeat(100_000)).run();
    const { visit } = newIsolate();
    await visit("/products");
    expect((await visit("/products")).before).toEqual(["KV.getWithMetadata", "D1.all"]);
  });
});

test("categories and stores cost as little, one or all", async () => {
  const { visit } = newIsolate();
  const paths = [
    "/categories",
    `/categories/${catalog.categoryIds[0]}`,
    "/stores",
    `/stores/${catalog.storeIds[0]}`,
  ];
  for (const path of paths) {
    expect((await visit(path)).answer.status).toBe(200);
    expect((await visit(path)).before, path).toEqual([]);
  }
});

test("what is not there is asked for each time, and found once it is", async () => {
  const { visit } = newIsolate();
  await visit("/stores");
  for (let n = 0; n < 2; n++) {
    const { before, answer } = await visit("/stores/sto_later");
    expect([answer.status, before]).toEqual([404, ["KV.getWithMetadata", "D1.first"]]);
  }
  await env.DB.prepare("UPDATE stores SET id = 'sto_later' WHERE id = ?1").bind(catalog.storeIds[0]).run();
  expect((await visit("/stores/sto_later")).answer.status).toBe(200);
});

describe("a product's own page", () => {
  test("shares one look at its stock for two seconds", async () => {
    const { visit } = newIsolate();
    const path = `/products/${catalog.productIds[0]}`;
    const asked = async (headers = {}) => (await visit(path, { headers })).before;
    const first = await visit(path);
    expect(first.before).toEqual(["D1.first", "Stock.levels"]);
    expect(first.answer.headers.get("Cache-Control")).toBe("no-store");
    testClock.advance(1_999);
    expect(await asked()).toEqual(["D1.first"]);
    expect(await asked((await signIn()).headers)).toEqual(["D1.first"]);
    testClock.advance(1);
    expect(await asked()).toEqual(["D1.first", "Stock.levels"]);
    testClock.advance(-1);
    expect(await asked()).toEqual(["D1.first", "Stock.levels"]);
  });

  test("many at once ask for its stock once, and staff each time", async () => {
    const { visit } = newIsolate();
    const path = `/products/${catalog.productIds[0]}`;
    const visits = await Promise.all(Array.from({ length: 5 }, () => visit(path)));
    expect(visits.flatMap(({ before }) => before).filter((call) => call === "Stock.levels")).toHaveLength(1);
    const { headers } = await signIn("staff");
    for (let n = 0; n < 2; n++) expect((await visit(path, { headers })).before).toContain("Stock.levels");
  });
});
