import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { notFound, problem } from "../../platform/http/problem.ts";
import { createRouter, idParam, jsonContent } from "../../platform/http/router.ts";
import { listQuerySchema } from "../../platform/read-page.ts";
import { scarceProductListSchema, storeInventorySchema } from "../schemas.ts";
import { listScarceProducts } from "./list-scarce.ts";
import { listStoreInventory } from "./list-store.ts";

const scarce = {
  method: "get" as const,
  tags: ["Inventory"],
  request: { query: listQuerySchema },
  responses: { 200: jsonContent(scarceProductListSchema, "A page of products") },
};

const lowStock = createRoute({
  ...scarce,
  path: "/products/low-stock",
  permission: "inventory:read",
  summary: "List products that run low, the scarcest first",
  description: "On sale, over all stores at or below their threshold, and above 0.",
});

const outOfStock = createRoute({
  ...scarce,
  path: "/products/out-of-stock",
  permission: "inventory:read",
  summary: "List products that no store has",
  description: "On sale, with nothing available in any store; those that were never stocked too.",
});

const storeInventory = createRoute({
  method: "get",
  path: "/stores/{id}/inventory",
  permission: null,
  tags: ["Stores"],
  summary: "List what a store has, by title",
  description: "Products on sale that the store ever had; usually a second or two behind.",
  request: { params: idParam("sto_01jcz4kq8rj2m5v0a7w9x3y6pd"), query: listQuerySchema },
  responses: { 200: jsonContent(storeInventorySchema, "A page of its products") },
});

/** To be mounted before the catalogue's routes, which would take `low-stock` for a product's id. */
export const projectionRoutes = createRouter(
  endpoint(lowStock, async (c) =>
    c.json(await listScarceProducts(c.get("context"), "low", c.req.valid("query")), 200),
  ),
  endpoint(outOfStock, async (c) =>
    c.json(await listScarceProducts(c.get("context"), "out", c.req.valid("query")), 200),
  ),
  endpoint(storeInventory, async (c) => {
    const page = await listStoreInventory(c.get("context"), c.req.valid("param").id, c.req.valid("query"));
    return page ? c.json(page, 200) : problem(c, notFound("store"));
  }),
);
