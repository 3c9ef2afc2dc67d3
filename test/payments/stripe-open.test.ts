import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test, vi } from "vitest";
import { fromStripeAmount, toStripeAmount } from "../../src/orders/stripe-amount.ts";
import { Boundary, ENDINGS } from "../chaos/boundary.ts";
import { outcomeOf } from "../chaos/stage.ts";
import { askUnder, read, refusalOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { givenShop } from "../support/shop.ts";
import { StripeStub } from "../support/stripe-stub.ts";
import worker from "../support/worker.ts";
import { cardOrder, givenCardOrder, STRIPE_SETTINGS } from "./tell.ts";

const WEEK = 7 * 24 * 3_600_000;

let stripe: StripeStub;
beforeEach(() => {
  stripe = new StripeStub();
  const network = vi.spyOn(globalThis, "fetch").mockImplementation(stripe.fetch);
  return () => network.mockRestore();
});

const payBy = (name: string, headers: Record<string, string> = {}, settings: Record<string, unknown> = {}) =>
  askUnder({ ...STRIPE_SETTINGS, ...settings }, "POST", `/orders/${name}/payments`, undefined, headers);

const rows = async () =>
  (await env.DB.prepare("SELECT * FROM payments ORDER BY created_at, id").all()).results;

test("a payment is one PaymentIntent, under the payment's id", async () => {
  const order = await givenCardOrder();
  const { status, body } = await payBy(order.id, order.owner);
  expect([status, body]).toEqual([
    201,
    {
      id: body.id,
      provider: "stripe",
      status: "open",
      amount: { amount: "19.99", currency: "USD" },
      client_secret: "pi_1_secret_x",
      created_at: body.created_at,
    },
  ]);
  expect(stripe.calls).toEqual([
    {
      method: "POST",
      path: "/v1/payment_intents",
      key: body.id,
      version: expect.stringMatching(/^20\d\d-\d\d-\d\d\.\w+$/),
      fields: {
        amount: "1999",
        currency: "usd",
        "automatic_payment_methods[enabled]": "true",
        "metadata[reference]": order.reference,
        "metadata[order_id]": order.id,
        "metadata[payment_id]": body.id,
      },
    },
  ]);
  expect(await rows()).toMatchObject([{ provider_id: "pi_1", client_secret: "pi_1_secret_x", amount: 1999 }]);

  const again = await payBy(order.id, order.owner);
  expect([again.status, again.body]).toEqual([201, body]);
  expect(stripe.calls).toHaveLength(1);
  // Secrets are for whoever opens a payment, not for whoever lists them.
  expect((await read(`/orders/${order.id}/payments`, order.owner)).text).not.toContain("secret");
});

test("ten at once are one PaymentIntent", async () => {
  const order = await givenCardOrder();
  const answers = await Promise.all(Array.from({ length: 10 }, () => payBy(order.id, order.owner)));
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect([stripe.intents.size, (await rows()).length]).toEqual([1, 1]);
});

test.each(["no connection", "answers 500", "loses answers"] as const)(
  "while Stripe has trouble (%s) nothing is half done, and the same call goes on later",
  async (trouble) => {
    const order = await givenCardOrder();
    const key = { ...order.owner, "Idempotency-Key": "pay-this-order-once" };
    stripe.trouble = trouble;
    const answer = await payBy(order.id, key);
    expect(refusalOf(answer)).toEqual([503, "provider_unavailable"]);
    expect(answer.headers.get("Retry-After")).toBe("2");
    expect(answer.text).not.toContain("Network");
    expect(await rows()).toMatchObject([{ status: "open", provider_id: null, client_secret: null }]);

    stripe.trouble = "none";
    const later = await payBy(order.id, key);
    expect([later.status, later.body.client_secret]).toEqual([201, "pi_1_secret_x"]);
    expect([stripe.intents.size, (await rows()).length]).toEqual([1, 1]);
    expect(await rows()).toMatchObject([{ id: later.body.id, provider_id: "pi_1" }]);
  },
);

test("asked for again when Stripe has forgotten the key, the one whose secret was never told is left alone", async () => {
  const order = await givenCardOrder();
  // An order that waits for days: only then can it be paid still.
  await env.DB.prepare("UPDATE orders SET expires_at = expires_at + ?1").bind(WEEK).run();
  stripe.trouble = "loses answers";
  expect((await payBy(order.id, order.owner)).status).toBe(503);
  stripe.trouble = "none";
  testClock.advance(WEEK / 2);
  stripe.forgetKeys();
  const answers = [await payBy(order.id, order.owner), await payBy(order.id, order.owner)];
  expect(answers.map(({ status, body }) => [status, body.client_secret])).toEqual([
    [201, "pi_2_secret_x"],
    [201, "pi_2_secret_x"],
  ]);
  expect(await rows()).toMatchObject([{ provider_id: "pi_2", client_secret: "pi_2_secret_x" }]);
  expect([stripe.calls.length, stripe.intents.size]).toEqual([2, 2]);
});

test("a wrong key is the shop's trouble, not the buyer's", async () => {
  const order = await givenCardOrder();
  const wrong = { STRIPE_SECRET_KEY: "wrong" };
  expect(refusalOf(await payBy(order.id, order.owner, wrong))).toEqual([503, "provider_unavailable"]);
  expect((await payBy(order.id, order.owner)).status).toBe(201);
});

test("without its secrets the shop says what is missing", async () => {
  const answer = await askUnder({ PAYMENT_PROVIDER: "stripe" }, "GET", "/products");
  expect([answer.status, answer.body.code]).toEqual([503, "misconfigured"]);
  expect(answer.body.errors).toEqual([
    { setting: "STRIPE_SECRET_KEY", message: "is missing" },
    { setting: "STRIPE_WEBHOOK_SECRET", message: "is missing" },
  ]);
});

test("what Stripe does not take is refused, and the next try is a new one", async () => {
  const { productIds } = await givenShop([[5]], { currency: "KWD" });
  const order = await cardOrder(productIds[0] ?? "");
  expect(refusalOf(await payBy(order.id, order.owner))).toEqual([409, "provider_refused"]);
  expect(refusalOf(await payBy(order.id, order.owner))).toEqual([409, "provider_refused"]);
  expect(await rows()).toMatchObject([{ status: "failed" }, { status: "failed" }]);
  expect(new Set(stripe.calls.map(({ key }) => key)).size).toBe(2);
});

test.each([
  ["USD", 1999, 1999],
  ["JPY", 1999, 1999],
  ["HUF", 1999, 1999],
  ["KWD", 1990, 1990],
  // Whole in ISO 4217, yet counted in hundredths by Stripe.
  ["ISK", 1999, 199_900],
  ["UGX", 1999, 199_900],
])("Stripe is asked for %s %i as %i, and understood", (currency, minor, told) => {
  expect(toStripeAmount(minor, currency)).toBe(told);
  expect(fromStripeAmount(told, currency)).toBe(minor);
});

test("amounts that cannot be said exactly are not said", () => {
  expect(toStripeAmount(1, "IQD")).toBe(null);
  expect(toStripeAmount(1, "XYZ")).toBe(null);
  expect(toStripeAmount(Number.MAX_SAFE_INTEGER, "ISK")).toBe(null);
  expect(fromStripeAmount(150, "ISK")).toBe(null);
});

test("whoever dies while a payment is opened, the same request finishes it: one payment, one PaymentIntent", {
  timeout: 60_000,
}, async () => {
  const { productIds } = await givenShop([[1_000]]);
  const open = (boundary: Boundary, order: Awaited<ReturnType<typeof cardOrder>>) => {
    const deferred: Promise<unknown>[] = [];
    const execution = {
      ...createExecutionContext(),
      waitUntil: (work: Promise<unknown>) => deferred.push(work),
    };
    const request = new Request(`http://shop.test/api/v1/orders/${order.id}/payments`, {
      method: "POST",
      headers: { ...order.owner, "Idempotency-Key": `pay-${order.reference}` },
    });
    const bindings = { ...boundary.watch(env), ...STRIPE_SETTINGS };
    const answer = Promise.resolve(worker.fetch(request as never, bindings, execution as never));
    answer.catch(() => {});
    return { answer, deferred };
  };
  const calm = new Boundary();
  const first = await cardOrder(productIds[0] ?? "");
  await outcomeOf(open(calm, first), new Boundary({ at: -1, ending: "stalls" }));
  // Whether the shop is being restored, the order with the key, the row, the fill-in with its read, the key's answer.
  expect(calm.calls.length).toBe(5);

  for (const ending of ENDINGS) {
    for (let at = 0; at < calm.calls.length; at++) {
      const order = await cardOrder(productIds[0] ?? "");
      const boundary = new Boundary({ at, ending });
      await outcomeOf(open(boundary, order), boundary);
      boundary.bury();

      const again = await open(new Boundary(), order).answer;
      const told = `${ending} at ${at}`;
      expect([told, again.status]).toEqual([told, 201]);
      const paid = (await rows()).filter((row) => row.order_id === order.id);
      expect([told, paid.length]).toEqual([told, 1]);
      const intents = [...stripe.intents.values()].filter(
        (intent) => (intent.metadata as Record<string, string>).order_id === order.id,
      );
      expect([told, intents.map(({ id }) => id)]).toEqual([told, [paid[0]?.provider_id]]);
    }
  }
});
