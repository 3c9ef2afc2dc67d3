import type { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import { wakeUp } from "../../events/wake-up.ts";
import type { AppEnv } from "../../platform/http/app-env.ts";
import { createRoute, endpoint, idempotencyHeader } from "../../platform/http/endpoint.ts";
import { allowedVersions, etagOf, ifMatchHeader, STALE } from "../../platform/http/etag.ts";
import { problem } from "../../platform/http/problem.ts";
import { createRouter, idParam, jsonBody, jsonContent, problems } from "../../platform/http/router.ts";
import type { Order } from "../order.ts";
import type { RefundsPort } from "../payments-port.ts";
import { CONTENDED } from "../problems.ts";
import { onceOnOrder } from "../read/named.ts";
import { answerWithOrder, answerWithRefund, renderOrder, renderOwed } from "../read/render.ts";
import { changedOrderSchema, orderSchema } from "../schemas.ts";
import type { Changed, Command } from "../steps/change.ts";
import { closeOrder } from "./close.ts";
import { illegalTransition, notClosable, REFUNDED, returnProblem, shipProblem } from "./problems.ts";
import { readFulfilment, renderReturn, renderShipment, type Shipment } from "./read.ts";
import {
  closeSchema,
  returnedSchema,
  shippedSchema,
  shipSchema,
  takeBackSchema,
  transitionSchema,
} from "./schemas.ts";
import { shipmentId, shipOrder } from "./ship.ts";
import { returnId, type TakenBack, takeBack } from "./take-back.ts";
import { transitionOrder } from "./transition.ts";

const headers = idempotencyHeader.extend(ifMatchHeader.shape);
const staffOnly = { tags: ["Fulfilment"] };
const orderName = idParam("ord_01jcz4kq8rj2m5v0a7w9x3y6pd");
const optionalBody = <S extends z.ZodType>(schema: S) => ({
  required: false as const,
  content: { "application/json": { schema } },
});

const transition = createRoute({
  ...staffOnly,
  method: "post",
  path: "/orders/{id}/transitions",
  permission: "orders:write",
  needs: { session: "first_call" },
  summary: "Take an order one step on",
  description:
    "`confirmed` approves an unpaid order by invoice or on delivery that is pending, `processing` from confirmed, `shipped` from processing (ships all that is left), `delivered` from shipped. " +
    "Another step is a 409 `illegal_transition` that names those which are `allowed`. What was refunded in full ships " +
    "with `force` only: 409 `refunded` else.",
  request: { params: orderName, headers, body: jsonBody(transitionSchema) },
  responses: {
    200: jsonContent(orderSchema, "The order, one step on", ["ETag"]),
    ...problems("illegal_transition", "refunded", "try_again"),
  },
});

const ship = createRoute({
  ...staffOnly,
  method: "post",
  path: "/orders/{id}/shipments",
  permission: "orders:write",
  needs: { session: "first_call" },
  summary: "Ship an order, or a part of it",
  description:
    "By default all that is left and was not refunded in full; that ships with `force` only, a 409 `refunded` else. A confirmed order passes through processing in the same step. It is `shipped` " +
    "when nothing is left, and `processing` until then.",
  request: { params: orderName, headers, body: optionalBody(shipSchema) },
  responses: {
    201: jsonContent(shippedSchema, "The shipment, and its order", ["ETag"]),
    ...problems(
      "not_shippable",
      "nothing_left",
      "more_than_left",
      "not_allocated",
      "unknown_item",
      "refunded",
      "try_again",
    ),
  },
});

const close = createRoute({
  ...staffOnly,
  method: "post",
  path: "/orders/{id}/close",
  permission: "orders:write",
  needs: { session: "first_call" },
  summary: "Give up what is left of a part-shipped order",
  description:
    "What is left is released; the order is `shipped`. What is due for it goes back by the `refund` of the answer: its " +
    "price, less what was refunded for it, or beyond what is kept. With `refund: false` nothing does.",
  request: { params: orderName, headers, body: optionalBody(closeSchema) },
  responses: {
    200: jsonContent(changedOrderSchema, "The order, closed", ["ETag"]),
    ...problems("not_closable", "try_again"),
  },
});

const comeBack = createRoute({
  ...staffOnly,
  method: "post",
  path: "/orders/{id}/returns",
  permission: "orders:write",
  needs: { session: "first_call" },
  summary: "Take back what was shipped",
  description:
    "Of an order that is shipped or delivered, never more than was shipped. It is `returned` when all of that is " +
    "back. What is restocked is on hand again at the store. What is due for it goes back by the `refund` of the answer.",
  request: { params: orderName, headers, body: jsonBody(takeBackSchema) },
  responses: {
    201: jsonContent(returnedSchema, "The return, and its order", ["ETag"]),
    ...problems("not_returnable", "more_than_shipped", "unknown_item", "unknown_store", "try_again"),
  },
});

export const fulfilmentRoutes = (port: RefundsPort) =>
  createRouter(
    endpoint(transition, async (c) => {
      const { to, note, force } = c.req.valid("json");
      return onOrder(c, async (order, command) => {
        const asked = { ...command, to, note: note ?? null, force, answer: answerWithOrder };
        const outcome = await transitionOrder(c.get("context"), order, asked);
        if (outcome.kind === "illegal") return problem(c, illegalTransition(outcome, to));
        return outcome.kind === "refunded"
          ? problem(c, REFUNDED)
          : answer(c, outcome, async ({ order: changed }) => c.json(renderOrder(changed), 200));
      });
    }),
    endpoint(ship, async (c) => {
      const { items, store_id, tracking, carrier, force = false } = c.req.valid("json") ?? {};
      const wanted = items?.map(({ product_id, quantity }) => ({ productId: product_id, quantity })) ?? null;
      return onOrder(c, async (order, command) => {
        const context = c.get("context");
        const request = { items: wanted, storeId: store_id ?? null };
        const parcel = { tracking: tracking ?? null, carrier: carrier ?? null };
        const outcome = await shipOrder(context, order, {
          ...command,
          request,
          parcel,
          force,
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
      const { reason = null, refund = true } = c.req.valid("json") ?? {};
      return onOrder(c, async (order, command) => {
        const context = c.get("context");
        const outcome = await closeOrder(context, port, order, {
          ...{ ...command, reason, refund },
          answer: answerWithRefund,
        });
        if (outcome.kind === "not_closable") return problem(c, notClosable(outcome));
        return answer(c, outcome, async ({ order: after, made }) => {
          const refunds = made ?? (await port.refundsBy(context, after.id, command.operation.id));
          return c.json(answerWithRefund(after, refunds).body, 200);
        });
      });
    }),
    endpoint(comeBack, async (c) => {
      const { items, store_id, reason } = c.req.valid("json");
      return onOrder(c, async (order, command) => {
        const context = c.get("context");
        const request = { items, storeId: store_id, reason };
        const outcome = await takeBack(context, port, order, {
          ...command,
          request,
          answer: (after, made) => ({ status: 201, body: renderReturned(after, made) }),
        });
        if (!isChanged(outcome)) return problem(c, returnProblem(outcome, items));
        return answer(c, outcome, async ({ order: after, made }) => {
          const { id } = command.operation;
          const found = made ?? {
            made: mustFind((await readFulfilment(context, after)).returns, returnId(id)),
            refunds: await port.refundsBy(context, after.id, id),
          };
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

const renderReturned = (order: Order, { made, refunds }: TakenBack) => ({
  return: renderReturn(made),
  order: renderOrder(order),
  ...renderOwed(refunds),
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
