import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { notFound, problem } from "../../platform/http/problem.ts";
import { createRouter, idParam, jsonContent } from "../../platform/http/router.ts";
import { listQuerySchema } from "../../platform/read-page.ts";
import { storeOrderListSchema } from "../schemas.ts";
import { listStoreOrders } from "./list-store.ts";

const storeOrders = createRoute({
  method: "get",
  path: "/stores/{id}/orders",
  permission: "orders:read",
  tags: ["Stores"],
  summary: "List the orders that a store serves, newest first",
  description: "Those of which it holds or has sent units, in all or in part.",
  request: { params: idParam("sto_01jcz4kq8rj2m5v0a7w9x3y6pd"), query: listQuerySchema },
  responses: {
    200: jsonContent(storeOrderListSchema, "A page of orders"),
  },
});

export const storeOrdersRoutes = createRouter(
  endpoint(storeOrders, async (c) => {
    const page = await listStoreOrders(c.get("context"), c.req.valid("param").id, c.req.valid("query"));
    return page ? c.json(page, 200) : problem(c, notFound("store"));
  }),
);
