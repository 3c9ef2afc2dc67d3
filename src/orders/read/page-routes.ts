import { z } from "@hono/zod-openapi";
import { GUEST, may } from "../../platform/actor.ts";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { ifNoneMatchHeader, tagPage } from "../../platform/http/etag.ts";
import { problem } from "../../platform/http/problem.ts";
import { createRouter, jsonContent } from "../../platform/http/router.ts";
import { type OrderReturn, readFulfilment, renderReturn, renderShipment } from "../fulfilment/read.ts";
import type { PaymentsPort } from "../payments-port.ts";
import { orderPageSchema } from "../schemas.ts";
import { customerPage, noPage, pageHeaders } from "./customer-page.ts";
import { findOrder } from "./find.ts";
import { noSuchOrder, orderFor, orderName, orderToken } from "./named.ts";
import { renderOrder } from "./render.ts";

const readRoute = createRoute({
  method: "get",
  path: "/orders/{id}",
  permission: null,
  tags: ["Orders"],
  summary: "Read an order",
  description:
    "By its id or its reference, with its payments, shipments and returns. A guest sends `X-Order-Token`. Its ETag is of " +
    "all that is shown, payments too; an If-Match compares the version in it.",
  request: { params: orderName, headers: orderToken.extend(ifNoneMatchHeader.shape) },
  responses: {
    200: jsonContent(orderPageSchema, "The order", ["ETag"]),
    304: { description: "Unchanged, its payments too" },
  },
});

const html = z.string().openapi({ example: '<!doctype html><html lang="en">…</html>' });

const customerRoute = createRoute({
  method: "get",
  path: "/orders/{id}/page",
  permission: null,
  tags: ["Orders"],
  summary: "An order as a page for its customer",
  description: "What the link of a mail opens, where ORDER_URL names no page of the storefront.",
  request: {
    params: orderName,
    query: z.strictObject({
      token: z
        .string()
        .max(2_000)
        .optional()
        .openapi({ description: "Of a mail's link, or the order's access_token" }),
    }),
  },
  responses: {
    200: { description: "The page", content: { "text/html": { schema: html } } },
    404: { description: "No such order for this token", content: { "text/html": { schema: html } } },
  },
});

const customer = endpoint(customerRoute, async (c) => {
  const context = c.get("context");
  // Whoever is signed in here as well sees no more by it.
  const order = await findOrder(
    { ...context, actor: GUEST },
    c.req.valid("param").id,
    c.req.valid("query").token,
  );
  if (!order) return c.body(`${await noPage()}`, 404, await pageHeaders());
  const { shipments } = await readFulfilment(context, order);
  return c.body(`${await customerPage(order, shipments)}`, 200, await pageHeaders());
});

/** An order's own page, with what other rooms know of it. */
export function orderPageRoutes({ paymentsOf, flaggedEventsOf }: PaymentsPort) {
  return createRouter(
    customer,
    endpoint(readRoute, async (c) => {
      const order = await orderFor(c);
      if (!order) return problem(c, noSuchOrder(c));
      const context = c.get("context");
      const [payments, { shipments, returns }, flagged] = await Promise.all([
        paymentsOf(context, order.id),
        readFulfilment(context, order),
        may(context.actor, "payments:read") ? flaggedEventsOf(context, order.id) : null,
      ]);
      // What the shop's people noted is theirs, as in the order's history.
      const seen = (one: OrderReturn) => ({
        ...renderReturn(one),
        ...(may(context.actor, "orders:read") ? {} : { reason: null }),
      });
      const moved = { shipments: shipments.map(renderShipment), returns: returns.map(seen) };
      const waiting = flagged ? { flagged_events: flagged } : {};
      const page = { ...renderOrder(order), payments, ...waiting, ...moved };
      return (await tagPage(c, page)) ? c.body(null, 304) : c.json(page, 200);
    }),
  );
}
