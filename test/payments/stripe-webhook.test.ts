import { beforeEach, expect, test, vi } from "vitest";
import { askUnder, refusalOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { StripeStub } from "../support/stripe-stub.ts";
import {
  eventRows,
  givenCardOrder,
  intentEvent,
  owedBy,
  STRIPE_SECRET,
  STRIPE_SETTINGS,
  stripeHeaders,
  tell,
  tellStripe,
} from "./tell.ts";

beforeEach(() => {
  const network = vi.spyOn(globalThis, "fetch").mockImplementation(new StripeStub().fetch);
  return () => network.mockRestore();
});

const payBy = (name: string, headers: Record<string, string>) =>
  askUnder(STRIPE_SETTINGS, "POST", `/orders/${name}/payments`, undefined, headers);

const succeeded = (reference?: string) =>
  intentEvent("evt_stripe_1", "payment_intent.succeeded", {
    amount_received: 1999,
    ...(reference === undefined ? {} : { metadata: { reference } }),
  });

test("Stripe's own signature of a test event is accepted as it is", async () => {
  const order = await givenCardOrder();
  const answer = await tellStripe(succeeded(order.reference));
  expect([answer.status, answer.body]).toEqual([200, { received: true }]);
  expect(await eventRows()).toMatchObject([
    {
      provider: "stripe",
      event_id: "evt_stripe_1",
      order_id: order.id,
      kind: "succeeded",
      amount: 1999,
      currency: "USD",
      provider_id: "pi_1",
      state: "owed",
    },
  ]);
  expect(await owedBy(order.id)).toEqual({
    owed: 1,
    tasks: [{ provider: "stripe", event_id: "evt_stripe_1" }],
  });
});

test("an event is about the order whose PaymentIntent it names", async () => {
  const order = await givenCardOrder();
  await payBy(order.id, order.owner);
  expect((await tellStripe(succeeded())).body).toEqual({ received: true });
  expect(await eventRows()).toMatchObject([{ order_id: order.id, reference: order.reference }]);
  expect((await owedBy(order.id)).owed).toBe(1);
});

test("a PaymentIntent of nobody's is kept", async () => {
  const answer = await tellStripe(succeeded());
  expect([answer.status, answer.body]).toEqual([202, { received: true, matched: false }]);
  expect(await eventRows()).toMatchObject([{ order_id: null, reference: "", provider_id: "pi_1" }]);
});

test("failures and refunds are understood; a refund is told once however often it changes", async () => {
  const order = await givenCardOrder();
  await payBy(order.id, order.owner);
  await tellStripe(intentEvent("evt_failed", "payment_intent.payment_failed", {}));
  const refund = (id: string, type: string, status: string) =>
    intentEvent(id, type, {
      id: "re_1",
      object: "refund",
      amount: 500,
      status,
      payment_intent: "pi_1",
      metadata: { refund_id: "rfd_1" },
    });
  const told = [
    await tellStripe(refund("evt_a", "refund.created", "pending")),
    await tellStripe(refund("evt_b", "refund.updated", "succeeded")),
    await tellStripe(refund("evt_c", "refund.updated", "succeeded")),
  ];
  expect(told.map(({ body }) => body)).toEqual([
    { received: true },
    { received: true },
    { received: true, duplicate: true },
  ]);
  expect(await eventRows()).toMatchObject([
    { event_id: "evt_failed", kind: "failed", amount: 1999 },
    { event_id: "re_1", kind: "refunded", amount: 500, refund_id: "rfd_1", order_id: order.id },
  ]);
});

test("amounts are Stripe's, in our minor units", async () => {
  await tellStripe(
    intentEvent("evt_isk", "payment_intent.succeeded", {
      amount: 199_900,
      amount_received: 199_900,
      currency: "isk",
    }),
  );
  expect(await eventRows()).toMatchObject([{ amount: 1999, currency: "ISK" }]);
});

test("other events are received and nothing comes of them", async () => {
  for (const type of ["customer.created", "charge.refunded", "payment_intent.created"]) {
    const answer = await tellStripe(intentEvent("evt_x", type, {}));
    expect([answer.status, answer.body]).toEqual([200, { received: true }]);
  }
  expect(await eventRows()).toEqual([]);
});

test("fifty at once under the old and the new secret are one event", async () => {
  const order = await givenCardOrder();
  const both = { STRIPE_WEBHOOK_SECRET: `whsec_stripe_next,${STRIPE_SECRET}` };
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      tellStripe(
        succeeded(order.reference),
        { secret: index % 2 ? STRIPE_SECRET : "whsec_stripe_next" },
        both,
      ),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
  expect(answers.filter(({ body }) => body.duplicate === undefined)).toHaveLength(1);
  expect(await eventRows()).toHaveLength(1);
  expect((await owedBy(order.id)).owed).toBe(1);
});

test("Stripe's signature is refused when it is wrong, missing, old or about another body", async () => {
  const body = JSON.stringify(succeeded("ORD-0123456789"));
  const good = await stripeHeaders(body);
  const refused = [
    await tell("stripe", body, {}, STRIPE_SETTINGS),
    await tell("stripe", body, { "stripe-signature": "t=,v1=" }, STRIPE_SETTINGS),
    await tell("stripe", body, await stripeHeaders(body, { secret: "whsec_other" }), STRIPE_SETTINGS),
    await tell("stripe", body, await stripeHeaders(body, { at: testClock.now() - 301_000 }), STRIPE_SETTINGS),
    await tell("stripe", body.replace("1999", "1998"), good, STRIPE_SETTINGS),
    await tell("stripe", `\ufeff${body}`, good, STRIPE_SETTINGS),
    await tell("stripe", "", good, STRIPE_SETTINGS),
    await tell("stripe", body, good, { ...STRIPE_SETTINGS, STRIPE_WEBHOOK_SECRET: "whsec_next" }),
    await tell("stripe", body, good),
  ];
  expect(refused.map(refusalOf)).toEqual(refused.map(() => [401, "bad_signature"]));
  testClock.advance(300_000);
  expect((await tell("stripe", body, good, STRIPE_SETTINGS)).status).toBe(202);
  testClock.advance(1_000);
  expect(refusalOf(await tell("stripe", body, good, STRIPE_SETTINGS))).toEqual([401, "bad_signature"]);
});

test.each<[string, string]>([
  ["{", "invalid_body"],
  ["[]", "invalid_body"],
  [JSON.stringify({ id: "evt", object: "v2.core.event", type: "v1.x" }), "invalid_body"],
  [JSON.stringify(intentEvent("evt", "payment_intent.succeeded", { amount: "x" })), "invalid_body"],
  [JSON.stringify(intentEvent("evt", "payment_intent.succeeded", { currency: "zzz" })), "invalid_body"],
])("a signed body that is none of Stripe's events is refused: %.30s", async (body, code) => {
  const answer = await tell("stripe", body, await stripeHeaders(body), STRIPE_SETTINGS);
  expect(refusalOf(answer).slice(0, 2)).toEqual([422, code]);
  expect(await eventRows()).toEqual([]);
});
