import { isStaff } from "../../platform/actor.ts";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { ifNoneMatchHeader, tagPage } from "../../platform/http/etag.ts";
import { problem } from "../../platform/http/problem.ts";
import { createRouter, jsonContent, problems } from "../../platform/http/router.ts";
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
  description: "Its ETag is of all that is shown, payments too; an If-Match compares the version in it.",
  request: { params: orderName, headers: orderToken.extend(ifNoneMatchHeader.shape) },
  responses: {
    200: jsonContent(orderPageSchema, "The order"),
    304: { description: "Unchanged, its payments too" },
    ...problems(401, 404),
  },
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
      const moved = { shipments: shipments.map(renderShipment), returns: returns.map(renderReturn) };
      const waiting = flagged ? { flagged_events: flagged } : {};
      const page = { ...renderOrder(order), payments, ...waiting, ...moved };
      return (await tagPage(c, page)) ? c.body(null, 304) : c.json(page, 200);
    }),
  );
}
