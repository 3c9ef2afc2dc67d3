import { beforeEach, describe, expect, test } from "vitest";
import { signIn } from "../../support/sign-in.ts";
import { api } from "../api.ts";
import { CATALOGUE } from "./catalogue.ts";
import { givenProducts } from "./given.ts";

const suggest = (q: string) => api("GET", `/search/suggest?${new URLSearchParams({ q })}`);
const titles = async (q: string): Promise<string[]> => (await suggest(q)).body.suggestions;

describe("suggestions", () => {
  beforeEach(async () => {
    await givenProducts(
      Object.entries(CATALOGUE).flatMap(([category, lines]) =>
        lines.map((line) => ({ category, title: line.split(": ")[0] ?? "" })),
      ),
    );
  });

  test("are titles that begin with it, then those with words that do", async () => {
    expect((await suggest(" kni ")).body).toEqual({
      query: "kni",
      suggestions: [
        "Knife block",
        "Knife sharpener",
        "Knife Skills",
        "Bread knife",
        "Chef's knife",
        "Paring knife",
        "Pocket knife",
      ],
    });
    expect(await titles("bird b")).toEqual(["Bird bath", "Bird feeder"]);
    expect(await titles("mug tra")).toEqual(["Travel mug"]);
    expect((await titles("tea")).slice(0, 3)).toEqual(["Tea towel", "Teapot", "Tea strainer"]);
  });

  test.each([
    ["CRÊ", ["Crêpe pan"]],
    ["crepe", ["Crêpe pan"]],
    ["naiv", ["Naïve Painting"]],
    ["café au", ["Café au lait bowl"]],
    ["t-sh", ["T-shirt, white", "T-shirt, black"]],
    ["usb-c", ["USB-C cable"]],
    ["(headp", ["Headphones"]],
    // A slip or two.
    ["hedphones", ["Headphones"]],
    ["headhpones", ["Headphones"]],
    ["backpak", ["Backpack", "Hiking backpack"]],
    ["bakcpack", ["Backpack", "Hiking backpack"]],
    ["xettle", ["Kettle"]],
    ["kettlle", ["Kettle"]],
    ["expresso", ["Espresso cup", "Espresso machine"]],
    ["binocculars", ["Binoculars"]],
    ["crepr", ["Crêpe pan"]],
    ["blue mugg", ["Blue mug"]],
    ["runing shoes", ["Running shoes", "Trail running shoes"]],
    // As far as it is typed.
    ["binocc", ["Binoculars"]],
    ["thermoss fla", ["Thermos flask"]],
    // Nothing is near.
    ["zzzzzz", []],
    ["***", []],
    ["😀😀😀", []],
    ["qqq123", []],
  ])("for %j", async (q, expected) => {
    expect(await titles(q)).toEqual(expected);
  });

  test.each(["", "q=", "q=ab", "q=%20%20ab%20", "q=é%20", "q=😀😀"])(
    "need three characters: %j",
    async (query) => {
      expect(await api("GET", `/search/suggest?${query}`)).toMatchObject({
        status: 400,
        body: { code: "query_too_short", errors: [{ field: "q" }] },
      });
    },
  );
});

test("they are ten at most, each once, and only of what is on sale", async () => {
  await givenProducts([
    ...Array.from({ length: 15 }, () => ({ title: "Mug, plain" })),
    ...Array.from({ length: 4 }, () => ({ title: "MUG, PLAIN" })),
    ...Array.from({ length: 12 }, (_, n) => ({ title: `Mug ${n}` })),
    { title: "Mug of old", active: false },
  ]);
  const found = await titles("mug");
  expect(found).toHaveLength(10);
  expect(new Set(found.map((title) => title.toLowerCase())).size).toBe(10);
  expect(await titles("mug pl")).toEqual(["Mug, plain"]);
  expect(await titles("mug of")).toEqual([]);
});

test("a misspelt title that was put right is found by what it was", async () => {
  const staff = (await signIn("staff")).headers;
  const [grinder = "", gone = ""] = await givenProducts([
    { title: "Cofee grinder" },
    { title: "Teapott" },
    { title: "Teapots of the world" },
    { title: `"" ''' '' "'" --- “”  {title} : * NEAR(x) \u2028 '''"` },
  ]);
  expect(await titles("cofee")).toEqual(["Cofee grinder"]);
  await api("PATCH", `/products/${grinder}`, staff, { title: "Coffee grinder" });
  await api("DELETE", `/products/${gone}`, staff);
  expect(await titles("cofee")).toEqual(["Coffee grinder"]);
  expect(await titles("teapott")).toEqual(["Teapots of the world"]);
  expect(await titles("neaar(")).toHaveLength(1);
});
