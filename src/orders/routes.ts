import { createRoute } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import { CHALLENGE, requireUser } from "../accounts/authenticate.ts";
import { idempotencyHeader } from "../catalog/idempotency-header.ts";
import { STALE } from "../catalog/problems.ts";
import { ring } from "../events/work.ts";
import { isStaff } from "../platform/actor.ts";
import type { AppEnv } from "../platform/app-env.ts";
import type { Context } from "../platform/context.ts";
import { allowedVersions, etagOf, ifMatchHeader } from "../platform/etag.ts";
import { bearer, createRouter, jsonBody, jsonContent, problems } from "../platform/http.ts";
import { KEY_REUSED, type KeyClaim, once, readKey, replay } from "../platform/idempotency.ts";
import { notFound, problem, problemBody } from "../platform/problem.ts";
import { limitedProblem, takeFrom } from "../platform/rate-limit/limit.ts";
import { listQuerySchema } from "../platform/read-page.ts";
import { AFTER_RESTORE, RESTORING } from "../platform/restore-guard.ts";
import { cancelOrder } from "./cancel.ts";
import { listHistory } from "./history.ts";
import { listOrders } from "./list.ts";
import { orderFor, orderName, orderToken } from "./named.ts";
import { draftOf } from "./place/draft.ts";
import { placeOrders, type RenderAnswer } from "./place/place.ts";
import {
  CONTENDED,
  GUESTS_OFF,
  insufficientStock,
  notCancellable,
  outcomeUnknown,
  refusalProblem,
  SELLING_STOPPED,
  UNAVAILABLE,
} from "./problems.ts";
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

  const draft = draftOf(c.req.valid("json"), key.kind === "key" ? key.claim : null);
  const limit = takeFrom(context, orderLimit(context, 1, draft.key));
  const placing = placeOrders(context, [draft], {
    admitted: limit.then((outcome) => outcome.kind === "allowed"),
    render: renderAnswer(context.requestId),
  });
  // A client that hangs up must not leave its order half placed.
  context.defer(placing.catch(() => {}));
  const [[outcome], limited] = await Promise.all([placing, limit]);
  for (const [name, value] of Object.entries(limited.headers)) c.header(name, value);

  switch (outcome?.kind) {
    case "decided":
      return answered(c, outcome.answer);
    case "replayed":
      return replay(outcome.answer.status, outcome.answer.body) as never;
    case "key_reused":
      return problem(c, KEY_REUSED);
    case "refused":
      return problem(c, refusalProblem(outcome.refusal, draft));
    case "limited":
      return problem(c, limitedProblem({ retryAfter: 60, ...limited }), limited.headers);
    case "unknown":
      return problem(c, outcomeUnknown(outcome.order, outcome.accessToken), { "Retry-After": "1" });
    case "stopped":
      return problem(c, SELLING_STOPPED, { "Retry-After": "60" });
    case "restoring":
      return problem(c, RESTORING, AFTER_RESTORE);
    case "unavailable":
    case undefined:
      return problem(c, UNAVAILABLE, { "Retry-After": "1" });
  }
});

/** The answer in the very bytes that its key will repeat. */
function answered(c: HonoContext<AppEnv>, { status, body }: { status: number; body: string }): never {
  const type = status >= 400 ? "application/problem+json" : "application/json";
  return c.body(body, status as 201, { "content-type": type }) as never;
}

const renderAnswer =
  (requestId: string): RenderAnswer =>
  (order, shortfalls, accessToken) =>
    shortfalls === null
      ? { status: 201, body: JSON.stringify(renderOrder(order, accessToken)) }
      : { status: 409, body: problemBody(insufficientStock(order, shortfalls, accessToken), requestId) };

/** Orders a minute per user, guests per address; staff are free. Twins and retries of one key count once. */
function orderLimit(context: Context, cost: number, key: KeyClaim | null) {
  const { actor, settings, address } = context;
  return {
    name: "orders",
    party: actor.kind === "user" ? `user:${actor.userId}` : `address:${address}`,
    allowed: isStaff(actor) ? 0 : settings.ORDERS_PER_MINUTE,
    cost,
    hit: key ? `${key.scope} ${key.key}` : undefined,
  };
}

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
