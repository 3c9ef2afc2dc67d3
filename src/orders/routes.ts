import { wakeUp } from "../events/wake-up.ts";
import { createRoute, endpoint, idempotencyHeader } from "../platform/http/endpoint.ts";
import { allowedVersions, etagOf, ifMatchHeader, STALE } from "../platform/http/etag.ts";
import { CHALLENGE } from "../platform/http/permission-guard.ts";
import { invalidRange, problem, unknownName } from "../platform/http/problem.ts";
import { readRange } from "../platform/http/range.ts";
import { bearerOrGuest, createRouter, jsonBody, jsonContent, problems } from "../platform/http/router.ts";
import { readKey } from "../platform/idempotency.ts";
import { listQuerySchema } from "../platform/read-page.ts";
import { answerPlacing } from "./desk/answer-placing.ts";
import type { RefundsPort } from "./payments-port.ts";
import { draftOf } from "./place/draft.ts";
import { isStranger } from "./place/is-stranger.ts";
import {
  CONTENDED,
  countryFixed,
  detailsFixed,
  GUESTS_OFF,
  notCancellable,
  PLACING_CODES,
} from "./problems.ts";
import { listHistory } from "./read/history.ts";
import { listOrders } from "./read/list.ts";
import { noSuchOrder, onceOnOrder, orderFor, orderName, orderToken } from "./read/named.ts";
import { answerWithOrder, answerWithRefund, renderOrder } from "./read/render.ts";
import {
  cancelSchema,
  changeDetailsSchema,
  changedOrderSchema,
  historyListSchema,
  orderListQuerySchema,
  orderListSchema,
  orderSchema,
  placeOrderSchema,
} from "./schemas.ts";
import { cancelOrder } from "./steps/cancel.ts";
import { changeDetails } from "./steps/change-details.ts";

const placeRoute = createRoute({
  method: "post",
  path: "/orders",
  permission: null,
  // Placing looks at both by itself, in its first batch.
  needs: { whileRestoring: "let_through", session: "by_handler" },
  tags: ["Orders"],
  summary: "Place an order",
  security: bearerOrGuest,
  description:
    "Holds the stock and records the order, or refuses and holds nothing. A total that the shop's payment provider cannot " +
    "charge is refused by card: `not_chargeable`.",
  request: { headers: idempotencyHeader, body: jsonBody(placeOrderSchema) },
  responses: {
    201: jsonContent(orderSchema, "Placed"),
    ...problems(...PLACING_CODES),
  },
});

const place = endpoint(placeRoute, async (c) => {
  const context = c.get("context");
  if (isStranger(context.actor) && !context.settings.GUEST_CHECKOUT) {
    return problem(c, GUESTS_OFF, CHALLENGE);
  }
  const read = await readKey(c);
  if (read.kind === "malformed") return problem(c, read.problem);

  return answerPlacing(c, draftOf(context, c.req.valid("json"), read.kind === "key" ? read.key : null));
});

const listRoute = createRoute({
  method: "get",
  path: "/orders",
  permission: ["account", "orders:read"],
  needs: { session: "never" },
  tags: ["Orders"],
  summary: "List orders",
  description: "Newest first. Staff see all, a buyer their own.",
  request: { query: orderListQuerySchema },
  responses: {
    200: jsonContent(orderListSchema, "A page of orders"),
    ...problems("invalid_range", "unknown_store"),
  },
});

const list = endpoint(listRoute, async (c) => {
  const context = c.get("context");
  const { from, to, ...query } = c.req.valid("query");
  const asked = readRange({ from, to }, context.settings.TIME_ZONE);
  if (asked.kind === "reversed") return problem(c, invalidRange("to", "is before from"));
  const outcome = await listOrders(context, { ...query, ...asked.range });
  switch (outcome.kind) {
    case "list":
      return c.json(outcome.list, 200);
    case "unknown_store":
      return problem(c, unknownName("store"));
  }
});

const cancelRoute = createRoute({
  method: "post",
  path: "/orders/{id}/cancel",
  permission: null,
  needs: { session: "first_call" },
  tags: ["Orders"],
  summary: "Cancel an order",
  description:
    "Frees its stock at once. All that is left of what was paid goes back, by the `refund` of the answer. Too late once " +
    "something has shipped.",
  request: {
    params: orderName,
    headers: orderToken.extend(idempotencyHeader.shape).extend(ifMatchHeader.shape),
    body: { required: false, content: { "application/json": { schema: cancelSchema } } },
  },
  responses: {
    200: jsonContent(changedOrderSchema, "Cancelled", ["ETag"]),
    ...problems("not_cancellable", "try_again", "forbidden"),
  },
});

const cancelBy = (port: RefundsPort) =>
  endpoint(cancelRoute, async (c) => {
    const context = c.get("context");
    const reason = c.req.valid("json")?.reason ?? null;
    const versions = allowedVersions(c.req.header("If-Match"));
    return onceOnOrder(c, async (order, operation) => {
      const command = { operation, versions, reason, answer: answerWithRefund };
      const outcome = await cancelOrder(context, port, order, command);
      switch (outcome.kind) {
        case "changed": {
          context.defer(wakeUp(context, outcome.tasks));
          c.header("ETag", etagOf(outcome.order.version));
          const refunds = outcome.made ?? (await port.refundsBy(context, order.id, operation.id));
          return c.json(answerWithRefund(outcome.order, refunds).body, 200);
        }
        case "not_cancellable":
          return problem(c, notCancellable(outcome));
        case "stale":
          return problem(c, STALE);
        case "contended":
          return problem(c, CONTENDED, { "Retry-After": "1" });
      }
    });
  });

const detailsRoute = createRoute({
  method: "patch",
  path: "/orders/{id}",
  permission: null,
  needs: { session: "first_call" },
  tags: ["Orders"],
  summary: "Change the details of an order that has not shipped",
  description:
    "Where it goes, whom it is for, what is noted. Staff until something of it has shipped, a buyer until it is being " +
    "packed: a 409 `details_fixed` after that. The amounts stay; where shipping, tax or duty were charged the country must " +
    "stay too, a 409 `country_fixed` else. The order's history keeps what stood there.",
  request: {
    params: orderName,
    headers: orderToken.extend(idempotencyHeader.shape).extend(ifMatchHeader.shape),
    body: jsonBody(changeDetailsSchema),
  },
  responses: {
    200: jsonContent(orderSchema, "The order, with its new details", ["ETag"]),
    ...problems("details_fixed", "country_fixed", "try_again", "forbidden"),
  },
});

const details = endpoint(detailsRoute, async (c) => {
  const { shipping_address: shippingAddress, customer, notes } = c.req.valid("json");
  const versions = allowedVersions(c.req.header("If-Match"));
  return onceOnOrder(c, async (order, operation) => {
    const command = {
      operation,
      versions,
      details: { shippingAddress, customer, notes },
      answer: answerWithOrder,
    };
    const outcome = await changeDetails(c.get("context"), order, command);
    switch (outcome.kind) {
      case "changed":
      case "same":
        c.header("ETag", etagOf(outcome.order.version));
        return c.json(renderOrder(outcome.order), 200);
      case "details_fixed":
        return problem(c, detailsFixed(outcome));
      case "country_fixed":
        return problem(c, countryFixed(outcome));
      case "stale":
        return problem(c, STALE);
      case "contended":
        return problem(c, CONTENDED, { "Retry-After": "1" });
    }
  });
});

const historyRoute = createRoute({
  method: "get",
  path: "/orders/{id}/history",
  permission: null,
  tags: ["Orders"],
  summary: "An order's history",
  description:
    "Oldest first: who, when, from, to and why. A buyer reads `you`, `shop` or `system` for who, and reasons of their own " +
    "and of deadlines, not what the shop's people noted.",
  request: { params: orderName, headers: orderToken, query: listQuerySchema },
  responses: { 200: jsonContent(historyListSchema, "A page of its history") },
});

const history = endpoint(historyRoute, async (c) => {
  const order = await orderFor(c);
  if (!order) return problem(c, noSuchOrder(c));
  return c.json(await listHistory(c.get("context"), order, c.req.valid("query")), 200);
});

export const ordersRoutes = (port: RefundsPort) =>
  createRouter(place, list, cancelBy(port), details, history);
