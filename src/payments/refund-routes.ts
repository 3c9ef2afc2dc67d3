import { requireStaff } from "../accounts/authenticate.ts";
import { createRoute, endpoint, idempotencyHeader } from "../platform/http/endpoint.ts";
import { notFound, problem } from "../platform/http/problem.ts";
import { bearer, createRouter, idParam, jsonContent, problems } from "../platform/http/router.ts";
import { once } from "../platform/idempotency.ts";
import { CONTENDED, wrongField } from "./problems.ts";
import { renderRefund, requestRefund } from "./refund.ts";
import { refundSchema, requestRefundSchema } from "./schemas.ts";

const refundRoute = createRoute({
  method: "post",
  path: "/payments/{id}/refund",
  tags: ["Payments"],
  summary: "Refund a payment, or a part of it",
  description: "Never more than was captured. The provider is asked for it after the answer.",
  security: bearer,
  middleware: [requireStaff] as const,
  request: {
    params: idParam("pay_01jd…"),
    headers: idempotencyHeader,
    body: { required: false, content: { "application/json": { schema: requestRefundSchema } } },
  },
  responses: { 201: jsonContent(refundSchema, "Due"), ...problems(400, 401, 403, 404, 409, 422, 503) },
});

export const refundRoutes = createRouter(
  endpoint(refundRoute, async (c) => {
    const body = c.req.valid("json");
    const asked = { amount: body?.amount ?? null, reason: body?.reason ?? null };
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
        case "contended":
          return problem(c, CONTENDED, { "Retry-After": "1" });
      }
    });
  }),
);
