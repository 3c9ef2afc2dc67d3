import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { givenCatalog } from "../support/catalog.ts";

it("puts a catalogue into D1", async () => {
  const given = await givenCatalog({ products: 3, categories: 2, stores: 0 });
  const { results } = await env.DB.prepare(
    "SELECT p.id, p.price, typeof(p.price) AS type, c.id AS category FROM products p JOIN categories c ON c.id = p.category_id ORDER BY p.created_at",
  ).all();
  expect(results).toEqual([
    { id: given.productIds[0], price: 1999, type: "integer", category: given.categoryIds[0] },
    { id: given.productIds[1], price: 1999, type: "integer", category: given.categoryIds[1] },
    { id: given.productIds[2], price: 1999, type: "integer", category: given.categoryIds[0] },
  ]);
});
