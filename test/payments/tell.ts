import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { Stripe } from "stripe";
import { type Answer, answerOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { TEST_WEBHOOK_SECRET } from "../support/payment-secrets.ts";
import { ADA, basket, givenShop, placed, post } from "../support/shop.ts";
import worker from "../support/worker.ts";

/** A shop of one product, and a guest's card order of one of it: 19.99 USD. */
export async function givenCardOrder(more: Record<string, unknown> = {}) {
  const { productIds } = await givenShop([[1_000]], {
    ...(more.price ? { price: more.price as number } : {}),
  });
  return cardOrder(productIds[0] ?? "", more);
}

export async function cardOrder(productId: string, more: Record<string, unknown> = {}) {
  const { price, ...rest } = more;
  const body = basket({ [productId]: 1 }, { customer: ADA, payment_method: "card", ...rest });
  const order = await placed(await post("/orders", body));
  return { ...order, owner: { "X-Order-Token": order.access_token ?? "" } };
}

/** A queue that keeps its bells, so that what was received stays as it is; `bells` counts them. */
export function silentQueue() {
  const queue = {
    bells: 0,
    binding: {
      PAYMENTS_QUEUE: {
        sendBatch: async (messages: unknown[]) => {
          queue.bells += messages.length;
        },
      },
    },
  };
  return queue;
}

/** A webhook's body and headers, sent as they are. */
export async function tell(
  provider: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
  settings: Record<string, unknown> = {},
): Promise<Answer> {
  const execution = createExecutionContext();
  const request = new Request(`http://shop.test/api/v1/webhooks/payments/${provider}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  const bindings = { ...env, ...silentQueue().binding, ...settings };
  const answer = await answerOf(worker.fetch(request as never, bindings as never, execution));
  await waitOnExecutionContext(execution);
  return answer;
}

interface Signing {
  secret?: string;
  /** Milliseconds. */
  at?: number;
}

/** The headers of a Standard Webhook, made by the package that providers use. */
export function standardHeaders(
  body: string,
  { secret = TEST_WEBHOOK_SECRET, at = testClock.now() }: Signing = {},
) {
  const stamp = new Date(at);
  return {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at / 1000)),
    "webhook-signature": new Webhook(secret).sign("msg_1", stamp, body),
  };
}

/** Tells a `standard` event, well signed unless said otherwise. */
export function tellStandard(
  event: Record<string, unknown>,
  signing: Signing = {},
  settings: Record<string, unknown> = {},
): Promise<Answer> {
  const body = JSON.stringify(event);
  return tell("standard", body, standardHeaders(body, signing), settings);
}

export const STRIPE_SECRET = "whsec_stripe_test";
export const STRIPE_SETTINGS = {
  PAYMENT_PROVIDER: "stripe",
  STRIPE_SECRET_KEY: "sk_test_holdfast",
  STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
};

/** Signs by Stripe's own generator of test headers, which reads seconds. */
export async function stripeHeaders(
  payload: string,
  { secret = STRIPE_SECRET, at = testClock.now() }: Signing = {},
): Promise<Record<string, string>> {
  const header = await Stripe.webhooks.generateTestHeaderStringAsync({
    payload,
    secret,
    timestamp: Math.floor(at / 1000),
  });
  return { "stripe-signature": header, "content-type": "application/json; charset=utf-8" };
}

export async function tellStripe(
  event: Record<string, unknown>,
  signing: Signing = {},
  settings: Record<string, unknown> = {},
): Promise<Answer> {
  const body = JSON.stringify(event);
  return tell("stripe", body, await stripeHeaders(body, signing), { ...STRIPE_SETTINGS, ...settings });
}

export const intentEvent = (id: string, type: string, object: Record<string, unknown>) => ({
  id,
  object: "event",
  type,
  data: { object: { id: "pi_1", object: "payment_intent", amount: 1999, currency: "usd", ...object } },
});

export async function eventRows(): Promise<Record<string, unknown>[]> {
  const { results } = await env.DB.prepare("SELECT * FROM payment_events ORDER BY received_at, event_id").all<
    Record<string, unknown>
  >();
  return results;
}

/** What is owed because of events, and what orders count of it. */
export async function owedBy(orderId: string): Promise<{ owed: number | undefined; tasks: unknown[] }> {
  const [order, work] = await Promise.all([
    env.DB.prepare("SELECT events_owed FROM orders WHERE id = ?1")
      .bind(orderId)
      .first<{ events_owed: number }>(),
    env.DB.prepare("SELECT payload FROM work WHERE task = 'payment-event' ORDER BY id").all<{
      payload: string;
    }>(),
  ]);
  return { owed: order?.events_owed, tasks: work.results.map(({ payload }) => JSON.parse(payload)) };
}
