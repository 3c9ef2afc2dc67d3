import { env } from "cloudflare:workers";
import { beforeEach, expect, test, vi } from "vitest";
import type { Payment } from "../../src/payments/money.ts";
import { stripe as provider } from "../../src/payments/providers/stripe.ts";
import { checkSettings } from "../../src/platform/settings.ts";
import { testContext } from "../events/context.ts";
import { testClock } from "../support/clock.ts";
import { StripeStub } from "../support/stripe-stub.ts";
import { STRIPE_SETTINGS } from "./tell.ts";

/** Refunds that are asked for again when Stripe has forgotten their keys. */

const HOUR = 3_600_000;
const LOOK = "GET /v1/refunds";
const CREATE = "POST /v1/refunds";

let stripe: StripeStub;
beforeEach(() => {
  stripe = new StripeStub();
  stripe.intents.set("pi_1", { id: "pi_1", amount: 1_000_000, currency: "usd" });
  const network = vi.spyOn(globalThis, "fetch").mockImplementation(stripe.fetch);
  return () => network.mockRestore();
});

const PAYMENT = { id: "pay_1", orderId: "ord_1", currency: "USD", providerId: "pi_1" } as Payment;

/** A refund of 5.00 that is promised now. */
function givenRefund() {
  const read = checkSettings({ ...env, ...STRIPE_SETTINGS });
  if (read.kind === "misconfigured") throw new Error("the test's settings are wrong");
  const context = testContext({ settings: read.settings });
  const refund = { id: "rfd_1", amount: 500, currency: "USD", createdAt: testClock.now() };
  return (payment: Payment = PAYMENT) => provider.refund(context, payment, refund);
}

/** What Stripe was asked since the last look. */
const asked = () => stripe.calls.splice(0).map(({ method, path }) => `${method} ${path}`);

/** So late that no key of before is known. */
function muchLater() {
  testClock.advance(48 * HOUR);
  stripe.forgetKeys();
}

/** Refunds of the same PaymentIntent that are none of ours. */
function othersRefund(count: number) {
  for (let index = 0; index < count; index++) {
    const id = `re_other_${index}`;
    stripe.refunds.set(id, {
      id,
      amount: 1,
      payment_intent: "pi_1",
      metadata: { refund_id: `rfd_x${index}` },
    });
  }
}

test("one that is young is one call, each time that it is asked for", async () => {
  const send = givenRefund();
  expect(await send()).toEqual({ kind: "settled", providerId: "re_1" });
  expect(asked()).toEqual([CREATE]);
  testClock.advance(12 * HOUR - 1);
  expect(await send()).toEqual({ kind: "settled", providerId: "re_1" });
  expect(asked()).toEqual([CREATE]);
  expect(stripe.refunds.size).toBe(1);
});

test("from half a day on it is looked for, in one call", async () => {
  const send = givenRefund();
  await send();
  asked();
  testClock.advance(12 * HOUR);
  expect(await send()).toEqual({ kind: "settled", providerId: "re_1" });
  expect(stripe.calls).toMatchObject([{ fields: { payment_intent: "pi_1", limit: "100" }, key: null }]);
  expect(asked()).toEqual([LOOK]);
});

test.each([
  ["succeeded", { kind: "settled", providerId: "re_1" }],
  ["pending", { kind: "sent", providerId: "re_1" }],
  ["failed", { kind: "refused", error: "Stripe's refund re_1 is failed", providerId: "re_1" }],
  ["canceled", { kind: "refused", error: "Stripe's refund re_1 is canceled", providerId: "re_1" }],
] as const)(
  "one whose answer was lost, and that is %s by now, is taken as it is",
  async (status, outcome) => {
    const send = givenRefund();
    stripe.trouble = "loses answers";
    expect(await send()).toMatchObject({ kind: "failed" });
    stripe.trouble = "none";
    muchLater();
    Object.assign(stripe.refunds.get("re_1") ?? {}, { status });
    asked();
    expect(await send()).toEqual(outcome);
    expect(asked()).toEqual([LOOK]);
    expect(stripe.refunds.size).toBe(1);
  },
);

test("one that never reached Stripe is made then, and only once however often it is asked for", async () => {
  const send = givenRefund();
  stripe.trouble = "no connection";
  expect(await send()).toMatchObject({ kind: "failed" });
  muchLater();
  stripe.trouble = "loses answers";
  // The look itself is lost, so nothing is created.
  expect(await send()).toMatchObject({ kind: "failed" });
  expect(asked()).toEqual([LOOK]);
  stripe.trouble = "none";
  expect(await send()).toEqual({ kind: "settled", providerId: "re_1" });
  expect(asked()).toEqual([LOOK, CREATE]);
  expect(await send()).toEqual({ kind: "settled", providerId: "re_1" });
  expect(asked()).toEqual([LOOK]);
  expect(stripe.refunds.size).toBe(1);
});

test("five at once that all find nothing make one", async () => {
  const send = givenRefund();
  muchLater();
  const answers = await Promise.all(Array.from({ length: 5 }, () => send()));
  expect(answers).toEqual(Array(5).fill({ kind: "settled", providerId: "re_1" }));
  // They all looked before the first one created.
  expect(asked()).toEqual([...Array(5).fill(LOOK), ...Array(5).fill(CREATE)]);
  expect(stripe.refunds.size).toBe(1);
});

test("it is found among many, page by page", async () => {
  const send = givenRefund();
  await send();
  othersRefund(250);
  asked();
  muchLater();
  expect(await send()).toEqual({ kind: "settled", providerId: "re_1" });
  expect(stripe.calls.map(({ fields }) => fields.starting_after)).toEqual([
    undefined,
    "re_other_150",
    "re_other_50",
  ]);
  expect(asked()).toEqual([LOOK, LOOK, LOOK]);
});

test("where there are too many to look through, nothing is sent", async () => {
  const send = givenRefund();
  othersRefund(1_001);
  muchLater();
  expect(await send()).toEqual({
    kind: "failed",
    error: "pi_1 has too many refunds to look for rfd_1 among them",
  });
  expect(asked()).toEqual(Array(10).fill(LOOK));
});

test("a look that goes wrong refuses nothing, and nothing is sent", async () => {
  const send = givenRefund();
  muchLater();
  stripe.trouble = "answers 500";
  expect(await send()).toMatchObject({ kind: "failed" });
  stripe.trouble = "none";
  expect(await send({ ...PAYMENT, providerId: "pi_of_another_account" })).toMatchObject({ kind: "failed" });
  expect(asked()).toEqual([LOOK, LOOK]);
});
