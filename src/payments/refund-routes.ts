import { refundSchema } from "../orders/schemas.ts";
import { createRoute, endpoint, idempotencyHeader } from "../platform/http/endpoint.ts";
import { notFound, problem } from "../platform/http/problem.ts";
import { createRouter, idParam, jsonContent, problems } from "../platform/http/router.ts";
import { once } from "../platform/idempotency.ts";
import { CONTENDED, conflict, wrongField } from "./problems.ts";
import { type AlreadyRefunded, renderRefund, requestRefund } from "./refund.ts";
import { requestRefundSchema } from "./schemas.ts";

const refundRoute = createRoute({
  method: "post",
  path: "/payments/{id}/refund",
  permission: "payments:write",
  needs: { session: "first_call" },
  tags: ["Payments"],
  summary: "Refund a payment, or a part of it",
  description:
    "An amount, or units of its order at their price; all that is left where neither is given. Never more than was " +
    "captured, and no unit twice (409 `already_refunded`). The provider is asked for it after the answer. What was " +
    "refunded and has not left ships with `force` only.",
  request: {
    params: idParam("pay_01jcz4kq8rj2m5v0a7w9x3y6pd"),
    headers: idempotencyHeader,
    body: { required: false, content: { "application/json": { schema: requestRefundSchema } } },
  },
  responses: {
    201: jsonContent(refundSchema, "Due"),
    ...problems("refund_exceeds_captured", "already_refunded", "try_again"),
  },
});

const alreadyRefunded = ({ index, requested, left, productId }: AlreadyRefunded) =>
  conflict(
    "already_refunded",
    `${requested} of ${productId} is more than was ordered and not refunded: that is ${left}.`,
    {
      errors: [
        {
          field: `items.${index}.quantity`,
          code: "already_refunded",
          message: "is more than was ordered and not refunded",
          ...{ product_id: productId, requested, left },
        },
      ],
    },
  );

export const refundRoutes = createRouter(
  endpoint(refundRoute, async (c) => {
    const body = c.req.valid("json");
    const items = body?.items ?? null;
    const asked = { amount: body?.amount ?? null, items, reason: body?.reason ?? null };
    const { id } = c.req.valid("param");
    return once(c, async (operation) => {
      const outcome = await requestRefund(c.get("context"), id, { operation, ...asked });
      switch (outcome.kind) {
        case "due":
          return c.json(renderRefund(outcome.refund), 201);
        case "unknown":
          return problem(c, notFound("payment"));
        case "exceeds_captured":
          return problem(c, {
            status: 409,
            code: "refund_exceeds_captured",
            detail: "That is more than is left of what was captured.",
            left: outcome.left,
          });
        case "amount_wrong":
          return problem(c, wrongField("amount", "invalid_amount", outcome.message));
        case "currency_wrong":
          return problem(c, wrongField("amount.currency", "wrong_currency", `must be ${outcome.currency}`));
        case "unknown_item":
          return problem(
            c,
            wrongField(`items.${outcome.index}.product_id`, "unknown_item", "is not an item of this order"),
          );
        case "costs_nothing":
          return problem(c, wrongField("items", "costs_nothing", "cost nothing"));
        case "given_back":
          return problem(c, wrongField("items", "given_back", "this payment never counted for its order"));
        case "already_refunded":
          return problem(c, alreadyRefunded(outcome));
        case "contended":
          return problem(c, CONTENDED, { "Retry-After": "1" });
      }
    });
  }),
);
