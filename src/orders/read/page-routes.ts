import { isStaff } from "../../platform/actor.ts";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { etagOf } from "../../platform/http/etag.ts";
import { problem } from "../../platform/http/problem.ts";
import { createRouter, jsonContent } from "../../platform/http/router.ts";
import { readFulfilment, renderReturn, renderShipment } from "../fulfilment/read.ts";
import type { PaymentsPort } from "../payments-port.ts";
import { orderPageSchema } from "../schemas.ts";
import { noSuchOrder, orderFor, orderName, orderToken } from "./named.ts";
import { renderOrder } from "./render.ts";

const readRoute = createRoute({
  method: "get",
  path: "/orders/{id}",
  tags: ["Orders"],
  summary: "Read an order",
  description:
    "By its id or its reference, with its payments, shipments and returns. A guest sends `X-Order-Token`.",
  request: { params: orderName, headers: orderToken },
  responses: { 200: jsonContent(orderPageSchema, "The order", ["ETag"]) },
});

/** An order's own page, with what other rooms know of it. */
export function orderPageRoutes({ paymentsOf, flaggedEventsOf }: PaymentsPort) {
  return createRouter(
    endpoint(readRoute, async (c) => {
      const order = await orderFor(c);
      if (!order) return problem(c, noSuchOrder(c));
      const context = c.get("context");
      const [payments, { shipments, returns }, flagged] = await Promise.all([
        paymentsOf(context, order.id),
        readFulfilment(context, order),
        isStaff(context.actor) ? flaggedEventsOf(context, order.id) : null,
      ]);
      c.header("ETag", etagOf(order.version));
      const moved = { shipments: shipments.map(renderShipment), returns: returns.map(renderReturn) };
      const waiting = flagged ? { flagged_events: flagged } : {};
      return c.json({ ...renderOrder(order), payments, ...waiting, ...moved }, 200);
    }),
  );
}
