import type { Order } from "../orders/order.ts";
import { noSuchOrder, onceOnOrder, orderFor, orderName, orderToken } from "../orders/read/named.ts";
import { isoTimestamp } from "../platform/clock.ts";
import { createRoute, endpoint, idempotencyHeader } from "../platform/http/endpoint.ts";
import { type Problem, problem } from "../platform/http/problem.ts";
import { createRouter, jsonContent, problems } from "../platform/http/router.ts";
import { formatMoney } from "../platform/money.ts";
import { listQuerySchema } from "../platform/read-page.ts";
import { listPayments } from "./list-payments.ts";
import type { Payment } from "./money.ts";
import { openPayment } from "./open-payment.ts";
import { conflict } from "./problems.ts";
import { type OpenedPaymentWire, openedPaymentSchema, paymentListSchema } from "./schemas.ts";

const openRoute = createRoute({
  method: "post",
  path: "/orders/{id}/payments",
  permission: null,
  needs: { session: "first_call" },
  tags: ["Payments"],
  summary: "Pay an order",
  description: "Opens a payment with the shop's provider, or gives the one that is open already.",
  request: {
    params: orderName,
    headers: orderToken.extend(idempotencyHeader.shape),
  },
  responses: {
    201: jsonContent(openedPaymentSchema, "Open"),
    ...problems(
      ...([
        "already_paid",
        "nothing_to_pay",
        "not_payable",
        "provider_refused",
        "provider_unavailable",
      ] as const),
      "forbidden",
    ),
  },
});

const open = endpoint(openRoute, async (c) => {
  return onceOnOrder(c, async (order, { id: operation }) => {
    const outcome = await openPayment(c.get("context"), order, operation);
    switch (outcome.kind) {
      case "open":
        return c.json(renderOpened(order, outcome.payment), 201);
      case "already_paid":
        return problem(c, ALREADY_PAID);
      case "nothing_to_pay":
        return problem(c, NOTHING_TO_PAY);
      case "not_payable":
        return problem(c, notPayable(outcome.status));
      case "refused":
        return problem(c, refusedByProvider(outcome.reason));
      case "unavailable":
        return problem(c, PROVIDER_UNAVAILABLE, { "Retry-After": "2" });
    }
  });
});

const listRoute = createRoute({
  method: "get",
  path: "/orders/{id}/payments",
  permission: null,
  tags: ["Payments"],
  summary: "An order's payments",
  description: "Oldest first, each with its refunds.",
  request: { params: orderName, headers: orderToken, query: listQuerySchema },
  responses: { 200: jsonContent(paymentListSchema, "A page of its payments") },
});

const list = endpoint(listRoute, async (c) => {
  const order = await orderFor(c);
  if (!order) return problem(c, noSuchOrder(c));
  return c.json(await listPayments(c.get("context"), order.id, c.req.valid("query")), 200);
});

export const paymentsRoutes = createRouter(open, list);

function renderOpened(order: Order, payment: Payment): OpenedPaymentWire {
  const amount = formatMoney({ amount: payment.amount, currency: payment.currency });
  return {
    id: payment.id,
    provider: payment.provider,
    status: payment.status,
    amount,
    ...(payment.clientSecret === null
      ? { instructions: `Pay ${amount.amount} ${amount.currency} and name ${order.reference}.` }
      : { client_secret: payment.clientSecret }),
    created_at: isoTimestamp(payment.createdAt),
  };
}

const ALREADY_PAID = conflict("already_paid", "This order is paid already.");

const NOTHING_TO_PAY = conflict("nothing_to_pay", "This order costs nothing.");

const notPayable = (status: Order["status"]): Problem =>
  conflict("not_payable", "There is nothing to be paid for this order, or no longer.", {
    order_status: status,
  });

const refusedByProvider = (reason: string): Problem =>
  conflict("provider_refused", "The payment provider does not take this payment.", { reason });

const PROVIDER_UNAVAILABLE: Problem = {
  status: 503,
  code: "provider_unavailable",
  detail: "The payment provider cannot be reached just now. Send the same request again.",
};
