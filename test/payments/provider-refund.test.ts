import { env } from "cloudflare:workers";
import { beforeEach, expect, test, vi } from "vitest";
import { readOrder } from "../../src/orders/read/find.ts";
import type { Payment } from "../../src/payments/money.ts";
import { PAYMENT_COLUMNS } from "../../src/payments/money.ts";
import { providerOf } from "../../src/payments/providers.ts";
import { checkSettings } from "../../src/platform/settings.ts";
import { first, sql } from "../../src/platform/sql.ts";
import { testContext } from "../events/context.ts";
import { answerOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { post } from "../support/shop.ts";
import { StripeStub } from "../support/stripe-stub.ts";
import { givenCardOrder, STRIPE_SETTINGS } from "./tell.ts";

let stripe: StripeStub;
beforeEach(() => {
  stripe = new StripeStub();
  const network = vi.spyOn(globalThis, "fetch").mockImplementation(stripe.fetch);
  return () => network.mockRestore();
});

function stripeContext() {
  const read = checkSettings({ ...env, ...STRIPE_SETTINGS });
  if (read.kind === "misconfigured") throw new Error("the test's settings are wrong");
  return testContext({ settings: read.settings });
}

/** A payment that was taken, and a refund of 5.00 that is due on it. */
async function givenRefund() {
  const order = await givenCardOrder();
  const opened = await answerOf(post(`/orders/${order.id}/payments`, undefined, order.owner));
  const at = testClock.now();
  const refund = { id: "rfd_01jd0000000000000000000000", amount: 500, currency: "USD", createdAt: at };
  await env.DB.batch([
    env.DB.prepare("UPDATE payments SET status = 'succeeded', captured = 1999, refunded = 500"),
    env.DB.prepare(
      `INSERT INTO refunds (id, payment_id, order_id, amount, currency, state, created_at, updated_at)
       VALUES (?1, ?2, ?3, 500, 'USD', 'due', ?4, ?4)`,
    ).bind(refund.id, opened.body.id, order.id, at),
  ]);
  const payment = await first(env.DB, sql<Payment>`SELECT ${PAYMENT_COLUMNS} FROM payments AS p`);
  if (!payment) throw new Error("no payment");
  return { order, payment, refund };
}

const requested = async () =>
  (await env.DB.prepare("SELECT * FROM events WHERE type = 'refund.requested'").all<{ data: string }>())
    .results;

const stateOf = (id: string) =>
  env.DB.prepare("SELECT state FROM refunds WHERE id = ?1").bind(id).first("state");

test("standard is asked by one event, however often and by however many", async () => {
  const { order, payment, refund } = await givenRefund();
  const context = testContext();
  const { refund: send } = providerOf(context, "standard");

  const answers = await Promise.all([1, 2, 3].map(() => send(context, payment, refund)));

  expect(answers).toEqual(Array(3).fill({ kind: "sent", providerId: "evt_01jd0000000000000000000000" }));
  const events = await requested();
  expect(events).toMatchObject([
    { id: "evt_01jd0000000000000000000000", object_type: "order", object_id: order.id, object_version: 1 },
  ]);
  expect(JSON.parse(events[0]?.data ?? "")).toEqual({
    refund_id: refund.id,
    payment_id: payment.id,
    reference: order.reference,
    amount: { amount: "5.00", currency: "USD" },
  });
  // To be marked by whoever sent it.
  expect(await stateOf(refund.id)).toBe("due");
});

test("what was settled meanwhile is not asked for again", async () => {
  const { payment, refund } = await givenRefund();
  await env.DB.prepare("UPDATE refunds SET state = 'settled'").run();
  const context = testContext();
  await providerOf(context, "standard").refund(context, payment, refund);
  expect(await requested()).toEqual([]);
  expect(await stateOf(refund.id)).toBe("settled");
});

/** The same payment as a PaymentIntent of Stripe's. */
async function givenStripeRefund() {
  const { order, payment, refund } = await givenRefund();
  const context = stripeContext();
  const provider = providerOf(context, "stripe");
  const whole = await readOrder(context, order.id);
  if (!whole) throw new Error("no order");
  const opened = await provider.open(context, whole, payment);
  expect(opened).toEqual({ kind: "open", providerId: "pi_1", clientSecret: "pi_1_secret_x" });
  const send = () => provider.refund(context, { ...payment, provider: "stripe", providerId: "pi_1" }, refund);
  return { send, refund, payment, order };
}

test("Stripe refunds once under the refund's id", async () => {
  const { send, refund, payment, order } = await givenStripeRefund();
  expect(await send()).toEqual({ kind: "settled", providerId: "re_1" });
  expect(await send()).toEqual({ kind: "settled", providerId: "re_1" });
  expect([stripe.refunds.size, stripe.callsUnder(refund.id)]).toEqual([1, 2]);
  expect(stripe.calls.at(-1)).toMatchObject({
    path: "/v1/refunds",
    fields: {
      payment_intent: "pi_1",
      amount: "500",
      "metadata[refund_id]": refund.id,
      "metadata[order_id]": order.id,
      "metadata[payment_id]": payment.id,
    },
  });
});

test("a lost answer is asked for again, and the money goes back once", async () => {
  const { send } = await givenStripeRefund();
  stripe.trouble = "loses answers";
  expect(await send()).toMatchObject({ kind: "failed" });
  stripe.trouble = "none";
  expect(await send()).toEqual({ kind: "settled", providerId: "re_1" });
  expect(stripe.refunds.size).toBe(1);
});

test.each([
  ["pending", { kind: "sent", providerId: "re_1" }],
  ["failed", { kind: "refused", error: "Stripe's refund re_1 is failed", providerId: "re_1" }],
] as const)("a refund that Stripe calls %s", async (status, outcome) => {
  const { send } = await givenStripeRefund();
  stripe.refundStatus = status;
  expect(await send()).toEqual(outcome);
});

test("Stripe's trouble is no refusal, and its refusal is final", async () => {
  const { send, payment, refund } = await givenStripeRefund();
  for (const trouble of ["no connection", "answers 500"] as const) {
    stripe.trouble = trouble;
    expect(await send()).toMatchObject({ kind: "failed" });
  }
  stripe.trouble = "none";
  const context = stripeContext();
  const { refund: sendOf } = providerOf(context, "stripe");
  const intent = { ...payment, providerId: "pi_1" };
  expect(await sendOf(context, intent, { ...refund, id: "rfd_2", amount: 9_999 })).toMatchObject({
    kind: "refused",
  });
  expect(await sendOf(context, payment, refund)).toMatchObject({ kind: "refused" });
  expect(await sendOf(testContext(), intent, refund)).toMatchObject({ kind: "failed" });
});
