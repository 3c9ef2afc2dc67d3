import { requireStaff } from "../accounts/authenticate.ts";
import { createRoute, endpoint, idempotencyHeader } from "../platform/endpoint.ts";
import { bearer, createRouter, idParam, jsonContent, problems } from "../platform/http.ts";
import { once } from "../platform/idempotency.ts";
import { formatMoney } from "../platform/money.ts";
import { notFound, type Problem, problem } from "../platform/problem.ts";
import { requestRefund } from "./refund.ts";
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
        case "due": {
          const { refund } = outcome;
          const amount = formatMoney({ amount: refund.amount, currency: refund.currency });
          return c.json({ id: refund.id, payment_id: refund.paymentId, amount, status: refund.state }, 201);
        }
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
          return problem(c, wrong("amount", "invalid_amount", outcome.message));
        case "currency_wrong":
          return problem(c, wrong("amount.currency", "wrong_currency", `must be ${outcome.currency}`));
        case "contended":
          return problem(
            c,
            {
              status: 503,
              code: "try_again",
              detail: "Others changed the order. Send the same request again.",
            },
            { "Retry-After": "1" },
          );
      }
    });
  }),
);

const wrong = (field: string, code: string, message: string): Problem => ({
  status: 422,
  code: "invalid_body",
  detail: "A field is wrong.",
  errors: [{ field, code, message }],
});
