import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { createRouter, jsonContent } from "../../platform/http/router.ts";
import { listQuerySchema } from "../../platform/read-page.ts";
import { delayedListSchema, listDelayed } from "./list.ts";

const listRoute = createRoute({
  method: "get",
  path: "/orders/delayed",
  permission: "orders:read",
  tags: ["Orders"],
  summary: "List orders that are too long in a step",
  description: "Confirmed, processing or shipped for more than DELAYED_AFTER_MINUTES; the longest first.",
  request: { query: listQuerySchema },
  responses: { 200: jsonContent(delayedListSchema, "A page of orders") },
});

/** Mounted before the orders' own routes, which would take `delayed` for an order's name. */
export const delayedRoutes = createRouter(
  endpoint(listRoute, async (c) => c.json(await listDelayed(c.get("context"), c.req.valid("query")), 200)),
);
