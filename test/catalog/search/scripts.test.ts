import { describe, expect, test } from "vitest";
import { readQuery } from "../../../src/catalog/search/read-query.ts";
import { searchQuerySchema } from "../../../src/catalog/search/schemas.ts";
import { searchProducts } from "../../../src/catalog/search/search.ts";
import { suggest } from "../../../src/catalog/search/suggest.ts";
import { testContext } from "../../events/context.ts";
import { givenProducts } from "./given.ts";
import { SCRIPTS, TITLES } from "./scripts.ts";

async function titlesFor(q: string, sort?: "newest"): Promise<string[]> {
  const read = readQuery(searchQuerySchema.parse({ q, sort }), "USD");
  if (read.kind !== "search") throw new Error(`${q} could not be read`);
  return (await searchProducts(testContext(), read.search))?.results.map(({ title }) => title) ?? [];
}

test("a hundred searches in people's scripts find first what they mean", async () => {
  expect(SCRIPTS.length).toBeGreaterThanOrEqual(100);
  expect(new Set(SCRIPTS.map(([typed]) => typed)).size).toBe(SCRIPTS.length);
  await givenProducts(TITLES.map((title) => ({ title, description: "A fine thing" })));
  const faults: string[] = [];
  for (const [typed, title] of SCRIPTS) {
    const found = await titlesFor(typed);
    if (found[0] !== title) faults.push(`${typed}: ${found.join(" | ") || "nothing"} instead of ${title}`);
    if (!(await titlesFor(typed, "newest")).includes(title)) faults.push(`${typed}, newest: not ${title}`);
  }
  expect(faults).toEqual([]);
});

test("and so do suggestions, of all that is typed whole and of what is not finished", async () => {
  await givenProducts(TITLES.map((title) => ({ title })));
  const faults: string[] = [];
  for (const [typed, title] of SCRIPTS) {
    const found = await suggest(testContext(), typed);
    // What nobody has put together as it is typed is a search's affair.
    if (!found.includes(title) && typed !== "東京モデル")
      faults.push(`${typed}: ${found.join(" | ") || "nothing"}`);
  }
  expect(faults).toEqual([]);
  for (const [begun, title] of [
    ["елочн", "Ёлочная игрушка"],
    ["ελαιολ", "Ελαιόλαδο Κρήτης"],
    ["lod", "Łódź poster"],
    ["tshi", "T-Shirt red"],
    ["iphone1", "iPhone 15 Pro"],
    ["東京タ", "東京タワー限定モデル"],
    // With a slip.
    ["елочьная", "Ёлочная игрушка"],
    ["smorrebrot", "Smørrebrød board"],
    ["ελαιολοδο", "Ελαιόλαδο Κρήτης"],
  ] as const) {
    expect([begun, await suggest(testContext(), begun)]).toEqual([begun, expect.arrayContaining([title])]);
  }
});

describe("what is found in descriptions and by names of categories", () => {
  test("is folded alike", async () => {
    await givenProducts([
      { title: "One", description: "東京で作られました。Ёжик из дерева." },
      { title: "Two", category: "Ψυγεία", description: "Made by O’Neill" },
      { title: "Three", description: "Nothing of it" },
    ]);
    for (const [q, title] of [
      ["東京", "One"],
      ["ежик", "One"],
      ["ψυγεια", "Two"],
      ["oneill", "Two"],
    ] as const) {
      expect([q, await titlesFor(q)]).toEqual([q, [title]]);
    }
  });
});

test("numbers with signs between them are not one number", async () => {
  await givenProducts([{ title: "Pipe 1.5" }, { title: "Calendar 2026-11" }, { title: "Pipe 15" }]);
  expect(await titlesFor("15")).toEqual(["Pipe 15"]);
  expect(await titlesFor("202611")).toEqual([]);
  expect((await titlesFor("1.5"))[0]).toBe("Pipe 1.5");
});
