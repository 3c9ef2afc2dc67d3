import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { readQuery } from "../../../src/catalog/search/read-query.ts";
import { WEIGHTS, type Weights } from "../../../src/catalog/search/relevance-plan.ts";
import { searchQuerySchema } from "../../../src/catalog/search/schemas.ts";
import { searchProducts } from "../../../src/catalog/search/search.ts";
import { testContext } from "../../events/context.ts";
import { CATALOGUE } from "./catalogue.ts";
import { givenProducts } from "./given.ts";
import { RELEVANCE } from "./relevance.ts";

beforeEach(async () => {
  await givenProducts(
    Object.entries(CATALOGUE).flatMap(([category, lines]) =>
      lines.map((line) => {
        const [title = "", description = ""] = line.split(/: (.*)/);
        return { category, title, description };
      }),
    ),
  );
});

async function titlesFor(q: string, weights?: Weights): Promise<string[]> {
  const read = readQuery(searchQuerySchema.parse({ q }), "USD");
  if (read.kind !== "search") throw new Error(`${q} could not be read`);
  const found = await searchProducts(testContext(), read.search, weights);
  return (found?.results ?? []).map(({ title }) => title);
}

/** What came where something else was expected; null where all is as it should be. */
function misplaced(found: string[], first: (string | string[])[]): string | null {
  let place = 0;
  for (const expected of first) {
    const group = [expected].flat();
    const here = found.slice(place, place + group.length);
    if (here.toSorted().join() !== group.toSorted().join()) {
      return `${here.join(" | ") || "nothing"} instead of ${group.join(" | ")}`;
    }
    place += group.length;
  }
  return null;
}

async function faults(weights?: Weights): Promise<string[]> {
  const found: string[] = [];
  for (const [query, ...first] of RELEVANCE) {
    const fault = misplaced(await titlesFor(query, weights), first);
    if (fault !== null) found.push(`${query}: ${fault}`);
  }
  return found;
}

test("a hundred searches find first what they mean", async () => {
  expect(RELEVANCE).toHaveLength(100);
  expect(new Set(RELEVANCE.map(([query]) => query)).size).toBe(100);
  expect(await faults()).toEqual([]);
});

test("and so they do in a shop from before, to which the fold has not come yet", async () => {
  await env.DB.prepare(
    "UPDATE products SET title_words = NULL, description_words = NULL, sku_key = NULL, title_key = NULL, folded = 0",
  ).run();
  expect(await faults()).toEqual([]);
});

test("they are about the weights: with those of title and description swapped ten of them fail at least", async () => {
  const swapped = { ...WEIGHTS, title: WEIGHTS.description, description: WEIGHTS.title };
  expect((await faults(swapped)).length).toBeGreaterThanOrEqual(10);
});

test("and about all that the shop has", async () => {
  const { count } = (await env.DB.prepare("SELECT count(*) AS count FROM product_documents").first<{
    count: number;
  }>()) ?? { count: 0 };
  expect(count).toBeGreaterThanOrEqual(150);
});

test("a word is looked for in titles, then in names of categories, then in descriptions, however often one says it", async () => {
  const plain = "Made to last, from good stuff, by people who know how";
  await givenProducts([
    { title: "Said of it", description: "A kestrel, a kestrel and a kestrel: kestrel, kestrel" },
    { title: "Said at length", description: `Like a kestrel. ${plain.repeat(4)}` },
    { title: "Shelved", category: "Kestrel", description: plain },
    { title: "Kestrel at length", description: `${plain}. `.repeat(8) },
    { title: "Kestrel", description: plain },
  ]);
  expect(await titlesFor("kestrel")).toEqual([
    "Kestrel",
    "Kestrel at length",
    "Shelved",
    "Said of it",
    "Said at length",
  ]);
});
