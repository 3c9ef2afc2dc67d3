import { afterEach, beforeEach, expect, test } from "vitest";
import type { Order } from "../../src/orders/order.ts";
import type { Payment } from "../../src/payments/money.ts";
import { stripe } from "../../src/payments/providers/stripe.ts";
import type { Context } from "../../src/platform/context.ts";
import { createLog } from "../../src/platform/log.ts";
import { checkSettings } from "../../src/platform/settings.ts";
import { serveStripe } from "../support/stripe-server.ts";
import { StripeStub } from "../support/stripe-stub.ts";

/** The provider over real HTTP, against a stub behind the address that STRIPE_API_URL names. */

let stub: StripeStub;
let server: Awaited<ReturnType<typeof serveStripe>>;
beforeEach(async () => {
  stub = new StripeStub();
  server = await serveStripe(stub);
});
afterEach(() => server.close());

function contextAt(url: string): Context {
  const read = checkSettings({
    ENVIRONMENT: "development",
    JWT_PRIVATE_KEY: "unused",
    PAYMENT_PROVIDER: "stripe",
    STRIPE_SECRET_KEY: "sk_test_holdfast",
    STRIPE_WEBHOOK_SECRET: "whsec_stripe_test",
    STRIPE_API_URL: url,
  });
  if (read.kind === "misconfigured") throw new Error(JSON.stringify(read.faults));
  return { settings: read.settings, clock: { now: () => 0 }, log: createLog({ part: "test" }) } as Context;
}

const ORDER = { id: "ord_1", reference: "ORD-0123456789" } as Order;
const PAYMENT = {
  id: "pay_1",
  orderId: "ord_1",
  amount: 1999,
  currency: "JPY",
  providerId: "pi_1",
} as Payment;

test("a PaymentIntent and its refund are made at STRIPE_API_URL, each once under its key", async () => {
  const context = contextAt(server.url);
  const opened = await Promise.all([1, 2].map(() => stripe.open(context, ORDER, PAYMENT)));
  expect(opened).toEqual(Array(2).fill({ kind: "open", providerId: "pi_1", clientSecret: "pi_1_secret_x" }));
  expect([stub.intents.size, stub.callsUnder("pay_1")]).toEqual([1, 2]);
  expect(stub.intents.get("pi_1")).toMatchObject({ amount: 1999, currency: "jpy" });
  const refund = { id: "rfd_1", amount: 1999, currency: "JPY", createdAt: 0 };
  expect(await stripe.refund(context, PAYMENT, refund)).toEqual({ kind: "settled", providerId: "re_1" });

  // Two days later it is found by its name, and its key is not needed.
  stub.forgetKeys();
  const later = { ...context, clock: { ...context.clock, now: () => 48 * 3_600_000 } };
  expect(await stripe.refund(later, PAYMENT, refund)).toEqual({ kind: "settled", providerId: "re_1" });
  expect(stub.calls.at(-1)).toMatchObject({
    method: "GET",
    fields: { payment_intent: "pi_1", limit: "100" },
  });
  expect(stub.refunds.size).toBe(1);
});

test("a connection that breaks, and a port where nobody is, are unavailable", async () => {
  const context = contextAt(server.url);
  stub.trouble = "no connection";
  expect(await stripe.open(context, ORDER, PAYMENT)).toMatchObject({ kind: "unavailable" });
  await server.close();
  expect(await stripe.open(context, ORDER, PAYMENT)).toMatchObject({ kind: "unavailable" });
  server = await serveStripe(stub);
});
