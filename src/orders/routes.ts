import { createRoute } from "@hono/zod-openapi";
import { CHALLENGE, requireUser } from "../accounts/authenticate.ts";
import { ring } from "../events/work.ts";
import { allowedVersions, etagOf, ifMatchHeader, STALE } from "../platform/etag.ts";
import { bearer, createRouter, jsonBody, jsonContent, problems } from "../platform/http.ts";
import { once, readKey } from "../platform/idempotency.ts";
import { idempotencyHeader } from "../platform/idempotency-header.ts";
import { notFound, problem } from "../platform/problem.ts";
import { listQuerySchema } from "../platform/read-page.ts";
import { answerPlacing } from "./answer-placing.ts";
import { cancelOrder } from "./cancel.ts";
import { listHistory } from "./history.ts";
import { listOrders } from "./list.ts";
import { orderFor, orderName, orderToken } from "./named.ts";
import { draftOf } from "./place/draft.ts";
import { CONTENDED, GUESTS_OFF, notCancellable } from "./problems.ts";
import { renderOrder } from "./render.ts";
import {
  cancelSchema,
  historyListSchema,
  orderListQuerySchema,
  orderListSchema,
  orderSchema,
  placeOrderSchema,
} from "./schemas.ts";

export const ordersRoutes = createRouter();

const placeRoute = createRoute({
  method: "post",
  path: "/orders",
  tags: ["Orders"],
  summary: "Place an order",
  description: "Holds the stock and records the order, or refuses and holds nothing.",
  request: { headers: idempotencyHeader, body: jsonBody(placeOrderSchema) },
  responses: { 201: jsonContent(orderSchema, "Placed"), ...problems(400, 401, 409, 413, 415, 422, 429, 503) },
});

ordersRoutes.openapi(placeRoute, async (c) => {
  const context = c.get("operation");
  if (context.actor.kind === "guest" && !context.settings.GUEST_CHECKOUT) {
    return problem(c, GUESTS_OFF, CHALLENGE);
  }
  const key = await readKey(c);
  if (key.kind === "malformed") return problem(c, key.problem);

  return answerPlacing(c, draftOf(c.req.valid("json"), key.kind === "key" ? key.claim : null));
});

const listRoute = createRoute({
  method: "get",
  path: "/orders",
  tags: ["Orders"],
  summary: "List orders",
  description: "Newest first. Staff see all, a buyer their own.",
  security: bearer,
  middleware: [requireUser] as const,
  request: { query: orderListQuerySchema },
  responses: { 200: jsonContent(orderListSchema, "A page of orders"), ...problems(400, 401) },
});

ordersRoutes.openapi(listRoute, async (c) =>
  c.json(await listOrders(c.get("operation"), c.req.valid("query")), 200),
);

const cancelRoute = createRoute({
  method: "post",
  path: "/orders/{id}/cancel",
  tags: ["Orders"],
  summary: "Cancel an order",
  description: "Frees its stock at once. What was paid is refunded. Too late once something has shipped.",
  request: {
    params: orderName,
    headers: orderToken.extend(idempotencyHeader.shape).extend(ifMatchHeader.shape),
    body: { required: false, content: { "application/json": { schema: cancelSchema } } },
  },
  responses: { 200: jsonContent(orderSchema, "Cancelled"), ...problems(400, 401, 404, 409, 412, 422, 503) },
});

ordersRoutes.openapi(cancelRoute, async (c) => {
  const order = await orderFor(c);
  if (!order) return problem(c, notFound("order"));
  const reason = c.req.valid("json")?.reason ?? null;
  const versions = allowedVersions(c.req.header("If-Match"));
  return (await once(c, async (operation) => {
    const outcome = await cancelOrder(c.get("operation"), order, { operation, reason, versions });
    switch (outcome.kind) {
      case "changed":
        c.get("operation").defer(ring(c.get("operation"), outcome.owed));
        c.header("ETag", etagOf(outcome.order.version));
        return c.json(renderOrder(outcome.order), 200);
      case "not_cancellable":
        return problem(c, notCancellable(outcome.status));
      case "stale":
        return problem(c, STALE);
      case "contended":
        return problem(c, CONTENDED, { "Retry-After": "1" });
    }
  })) as never;
});

const historyRoute = createRoute({
  method: "get",
  path: "/orders/{id}/history",
  tags: ["Orders"],
  summary: "An order's history",
  description: "Oldest first: who, when, from, to and why.",
  request: { params: orderName, headers: orderToken, query: listQuerySchema },
  responses: { 200: jsonContent(historyListSchema, "A page of its history"), ...problems(400, 401, 404) },
});

ordersRoutes.openapi(historyRoute, async (c) => {
  const order = await orderFor(c);
  if (!order) return problem(c, notFound("order"));
  return c.json(await listHistory(c.get("operation"), order, c.req.valid("query")), 200);
});
