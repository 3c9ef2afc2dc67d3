import type { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import { requireStaff } from "../../accounts/authenticate.ts";
import { wakeUp } from "../../events/wake-up.ts";
import type { AppEnv } from "../../platform/http/app-env.ts";
import { createRoute, endpoint, idempotencyHeader } from "../../platform/http/endpoint.ts";
import { allowedVersions, etagOf, ifMatchHeader, STALE } from "../../platform/http/etag.ts";
import { problem } from "../../platform/http/problem.ts";
import {
  bearer,
  createRouter,
  idParam,
  jsonBody,
  jsonContent,
  problems,
} from "../../platform/http/router.ts";
import type { Order } from "../order.ts";
import { CONTENDED } from "../problems.ts";
import { onceOnOrder } from "../read/named.ts";
import { answerWithOrder, renderOrder } from "../read/render.ts";
import { orderSchema } from "../schemas.ts";
import type { Changed, Command } from "../steps/change.ts";
import { closeOrder } from "./close.ts";
import { illegalTransition, notClosable, returnProblem, shipProblem } from "./problems.ts";
import { type OrderReturn, readFulfilment, renderReturn, renderShipment, type Shipment } from "./read.ts";
import {
  closeSchema,
  returnedSchema,
  shippedSchema,
  shipSchema,
  takeBackSchema,
  transitionSchema,
} from "./schemas.ts";
import { shipmentId, shipOrder } from "./ship.ts";
import { returnId, takeBack } from "./take-back.ts";
import { transitionOrder } from "./transition.ts";

const headers = idempotencyHeader.extend(ifMatchHeader.shape);
const staffOnly = { tags: ["Fulfilment"], security: bearer, middleware: [requireStaff] };
const orderName = idParam("ord_01jd… or ORD-7K3F9QXM2A");
const optionalBody = <S extends z.ZodType>(schema: S) => ({
  required: false as const,
  content: { "application/json": { schema } },
});
const failures = problems(400, 401, 403, 404, 409, 412, 422, 503);

const transition = createRoute({
  ...staffOnly,
  method: "post",
  path: "/orders/{id}/transitions",
  summary: "Take an order one step on",
  description:
    "`processing` from confirmed, `shipped` from processing (ships all that is left), `delivered` from shipped. " +
    "Another step is a 409 `illegal_transition` that names those which are `allowed`.",
  request: { params: orderName, headers, body: jsonBody(transitionSchema) },
  responses: { 200: jsonContent(orderSchema, "The order, one step on"), ...failures },
});

const ship = createRoute({
  ...staffOnly,
  method: "post",
  path: "/orders/{id}/shipments",
  summary: "Ship an order, or a part of it",
  description:
    "All that is left by default. A confirmed order passes through processing in the same step. It is `shipped` " +
    "when nothing is left, and `processing` until then.",
  request: { params: orderName, headers, body: optionalBody(shipSchema) },
  responses: { 201: jsonContent(shippedSchema, "The shipment, and its order"), ...failures },
});

const close = createRoute({
  ...staffOnly,
  method: "post",
  path: "/orders/{id}/close",
  summary: "Give up what is left of a part-shipped order",
  description: "What is left is released, and refunded if it was paid for; the order is `shipped`.",
  request: { params: orderName, headers, body: optionalBody(closeSchema) },
  responses: { 200: jsonContent(orderSchema, "The order, closed"), ...failures },
});

const comeBack = createRoute({
  ...staffOnly,
  method: "post",
  path: "/orders/{id}/returns",
  summary: "Take back what was shipped",
  description:
    "Of an order that is shipped or delivered, never more than was shipped. It is `returned` when all of that is " +
    "back. What is restocked is on hand again at the store. No money moves: refund by `/payments/{id}/refund`.",
  request: { params: orderName, headers, body: jsonBody(takeBackSchema) },
  responses: { 201: jsonContent(returnedSchema, "The return, and its order"), ...failures },
});

export const fulfilmentRoutes = createRouter(
  endpoint(transition, async (c) => {
    const { to, note } = c.req.valid("json");
    return onOrder(c, async (order, command) => {
      const asked = { ...command, to, note: note ?? null, answer: answerWithOrder };
      const outcome = await transitionOrder(c.get("context"), order, asked);
      return outcome.kind === "illegal"
        ? problem(c, illegalTransition(outcome, to))
        : answer(c, outcome, async ({ order: changed }) => c.json(renderOrder(changed), 200));
    });
  }),
  endpoint(ship, async (c) => {
    const { items, store_id, tracking, carrier } = c.req.valid("json") ?? {};
    const wanted = items?.map(({ product_id, quantity }) => ({ productId: product_id, quantity })) ?? null;
    return onOrder(c, async (order, command) => {
      const context = c.get("context");
      const request = { items: wanted, storeId: store_id ?? null };
      const parcel = { tracking: tracking ?? null, carrier: carrier ?? null };
      const outcome = await shipOrder(context, order, {
        ...command,
        request,
        parcel,
        answer: (after, made) => ({ status: 201, body: renderShipped(after, made) }),
      });
      if (!isChanged(outcome)) return problem(c, shipProblem(outcome, items ?? []));
      return answer(c, outcome, async ({ order: after, made }) => {
        const found =
          made ??
          mustFind((await readFulfilment(context, after)).shipments, shipmentId(command.operation.id));
        return c.json(renderShipped(after, found), 201);
      });
    });
  }),
  endpoint(close, async (c) => {
    const reason = c.req.valid("json")?.reason ?? null;
    return onOrder(c, async (order, command) => {
      const outcome = await closeOrder(c.get("context"), order, {
        ...command,
        reason,
        answer: answerWithOrder,
      });
      return outcome.kind === "not_closable"
        ? problem(c, notClosable(outcome))
        : answer(c, outcome, async ({ order: changed }) => c.json(renderOrder(changed), 200));
    });
  }),
  endpoint(comeBack, async (c) => {
    const { items, store_id, reason } = c.req.valid("json");
    return onOrder(c, async (order, command) => {
      const context = c.get("context");
      const request = { items, storeId: store_id, reason };
      const outcome = await takeBack(context, order, {
        ...command,
        request,
        answer: (after, made) => ({ status: 201, body: renderReturned(after, made) }),
      });
      if (!isChanged(outcome)) return problem(c, returnProblem(outcome, items));
      return answer(c, outcome, async ({ order: after, made }) => {
        const found =
          made ?? mustFind((await readFulfilment(context, after)).returns, returnId(command.operation.id));
        return c.json(renderReturned(after, found), 201);
      });
    });
  }),
);

/** Runs a command on the order that the path names, once for each Idempotency-Key. */
function onOrder<A extends Response>(
  c: HonoContext<AppEnv>,
  work: (order: Order, command: Pick<Command, "operation" | "versions">) => Promise<A>,
) {
  const versions = allowedVersions(c.req.header("If-Match"));
  return onceOnOrder(c, (order, operation) => work(order, { operation, versions }));
}

const renderShipped = (order: Order, made: Shipment) => ({
  shipment: renderShipment(made),
  order: renderOrder(order),
});

const renderReturned = (order: Order, made: OrderReturn) => ({
  return: renderReturn(made),
  order: renderOrder(order),
});

const isChanged = <Made, R extends { kind: string }>(outcome: Changed<Made> | R): outcome is Changed<Made> =>
  outcome.kind === "changed" || outcome.kind === "stale" || outcome.kind === "contended";

async function answer<Made, A extends Response>(
  c: HonoContext<AppEnv>,
  outcome: Changed<Made>,
  render: (changed: Extract<Changed<Made>, { kind: "changed" }>) => Promise<A>,
) {
  switch (outcome.kind) {
    case "changed":
      c.get("context").defer(wakeUp(c.get("context"), outcome.tasks));
      c.header("ETag", etagOf(outcome.order.version));
      return render(outcome);
    case "stale":
      return problem(c, STALE);
    case "contended":
      return problem(c, CONTENDED, { "Retry-After": "1" });
  }
}

/** What a command's batch wrote is there for its repeat, whoever ran it. */
function mustFind<T extends { id: string }>(made: T[], id: string): T {
  const found = made.find((one) => one.id === id);
  if (!found) throw new Error(`${id} is not there, though its step was made`);
  return found;
}
