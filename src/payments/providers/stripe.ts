import { Stripe } from "stripe";
import type { Order } from "../../orders/order.ts";
import { toStripeAmount } from "../../orders/stripe-amount.ts";
import type { Context } from "../../platform/context.ts";
import { describeError } from "../../platform/log.ts";
import type { Settings } from "../../platform/settings.ts";
import type { Payment } from "../money.ts";
import type { CancelOutcome, OpenOutcome, Provider, RefundOutcome, RefundRequest } from "../provider.ts";
import { verifyStripeEvent } from "./stripe-event.ts";

/** Short, because a buyer waits for the answer. */
const TIMEOUT_MS = 10_000;

/** https://docs.stripe.com/payments/payment-intents: one PaymentIntent for each of our payments. */
export const stripe: Provider = {
  open: openIntent,
  verify: verifyStripeEvent,
  refund: refundIntent,
  cancel: cancelIntent,
};

/** One client for each settings object. A client keeps no connection, so requests may share it. */
const clients = new WeakMap<Settings, Stripe>();

function clientOf(settings: Settings): Stripe | null {
  if (settings.STRIPE_SECRET_KEY === undefined) return null;
  const known = clients.get(settings);
  if (known) return known;
  const client = new Stripe(settings.STRIPE_SECRET_KEY, {
    ...(settings.STRIPE_API_URL === undefined ? {} : addressOf(settings.STRIPE_API_URL)),
    httpClient: Stripe.createFetchHttpClient((...call: Parameters<typeof fetch>) => fetch(...call)),
    // Our caller may call again, under the same idempotency key.
    maxNetworkRetries: 0,
    timeout: TIMEOUT_MS,
    telemetry: false,
  });
  clients.set(settings, client);
  return client;
}

function addressOf(text: string) {
  const url = new URL(text);
  const protocol = url.protocol === "http:" ? ("http" as const) : ("https" as const);
  return { host: url.hostname, port: url.port || (protocol === "http" ? 80 : 443), protocol };
}

const NO_KEY = "STRIPE_SECRET_KEY is not set";

async function openIntent(context: Context, order: Order, payment: Payment): Promise<OpenOutcome> {
  const client = clientOf(context.settings);
  if (!client) return { kind: "unavailable", error: NO_KEY };
  const amount = toStripeAmount(payment.amount, payment.currency);
  if (amount === null)
    return { kind: "refused", error: `Stripe takes no such amount of ${payment.currency}` };
  try {
    const intent = await client.paymentIntents.create(
      {
        amount,
        currency: payment.currency.toLowerCase(),
        automatic_payment_methods: { enabled: true },
        metadata: { reference: order.reference, order_id: order.id, payment_id: payment.id },
      },
      { idempotencyKey: payment.id },
    );
    return { kind: "open", providerId: intent.id, clientSecret: intent.client_secret };
  } catch (error) {
    return failureOf(context, error, { final: "refused", open: "unavailable" });
  }
}

/** https://docs.stripe.com/api/payment_intents/cancel. The error for one that cannot be cancelled any more has its status. */
async function cancelIntent(context: Context, payment: Payment): Promise<CancelOutcome> {
  const client = clientOf(context.settings);
  if (!client) return { kind: "failed", error: NO_KEY };
  if (payment.providerId === null) return { kind: "ended" };
  try {
    await client.paymentIntents.cancel(payment.providerId);
    return { kind: "ended" };
  } catch (error) {
    if (error instanceof Stripe.errors.StripeInvalidRequestError) {
      if (error.code === "resource_missing") return { kind: "ended" };
      const status = error.payment_intent?.status;
      if (status === "canceled") return { kind: "ended" };
      if (status === "succeeded" || status === "processing") return { kind: "taken" };
    }
    return failureOf(context, error, { final: "failed", open: "failed" });
  }
}

/**
 * For this long after a refund was promised, Stripe certainly still knows its idempotency key, since it keeps keys for at
 * least 24 hours (https://docs.stripe.com/api/idempotent_requests). Half of that is left for clocks that differ and for
 * calls under way.
 */
const KEY_LIFE_MS = 12 * 3_600_000;
const PAGE_SIZE = 100;
/** Refunds of one PaymentIntent that are searched, which is more than any has. */
const MAX_REFUNDS_SEARCHED = 10 * PAGE_SIZE;

/**
 * Creates the refund with its own id as idempotency key. A refund that was promised long ago (staff retried a dead letter,
 * or a mark was never made) may have been created under a key that Stripe has forgotten since. So it is searched for first,
 * and if it is found, it is the answer. Two workers that search at once and find nothing create it under the same new key.
 * Only a create call that is under way from before the search until the key is forgotten, for a day, could pay twice, and
 * no call outlives its timeout by that much.
 */
async function refundIntent(
  context: Context,
  payment: Payment,
  refund: RefundRequest,
): Promise<RefundOutcome> {
  const client = clientOf(context.settings);
  if (!client) return { kind: "failed", error: NO_KEY };
  const intent = payment.providerId;
  if (intent === null) return { kind: "refused", error: "the payment has no PaymentIntent" };
  const amount = toStripeAmount(refund.amount, refund.currency);
  if (amount === null) return { kind: "refused", error: `Stripe takes no such amount of ${refund.currency}` };

  if (context.clock.now() - refund.createdAt >= KEY_LIFE_MS) {
    const found = await findRefund(context, client, intent, refund.id);
    if (found.kind === "failed") return found;
    if (found.made) return outcomeOf(found.made);
  }
  try {
    const made = await client.refunds.create(
      {
        payment_intent: intent,
        amount,
        metadata: { refund_id: refund.id, order_id: payment.orderId, payment_id: payment.id },
      },
      { idempotencyKey: refund.id },
    );
    return outcomeOf(made);
  } catch (error) {
    return failureOf(context, error, { final: "refused", open: "failed" });
  }
}

/** An error of the search says nothing about the refund, so it is never final: only a create can be refused for good. */
async function findRefund(
  context: Context,
  client: Stripe,
  intent: string,
  refundId: string,
): Promise<{ kind: "searched"; made: Stripe.Refund | null } | { kind: "failed"; error: string }> {
  let searched = 0;
  try {
    for await (const made of client.refunds.list({ payment_intent: intent, limit: PAGE_SIZE })) {
      if (made.metadata?.refund_id === refundId) return { kind: "searched", made };
      searched += 1;
      if (searched === MAX_REFUNDS_SEARCHED) {
        return { kind: "failed", error: `${intent} has too many refunds to look for ${refundId} among them` };
      }
    }
    return { kind: "searched", made: null };
  } catch (error) {
    return failureOf(context, error, { final: "failed", open: "failed" });
  }
}

function outcomeOf(made: Stripe.Refund): RefundOutcome {
  switch (made.status) {
    case "succeeded":
      return { kind: "settled", providerId: made.id };
    case "failed":
    case "canceled":
      return {
        kind: "refused",
        error: `Stripe's refund ${made.id} is ${made.status}`,
        providerId: made.id,
      };
    default:
      return { kind: "sent", providerId: made.id };
  }
}

/**
 * An invalid request is final, since Stripe would refuse it again. Other errors may pass: a wrong API key, a rate limit, a
 * twin under way, or a fault of Stripe's.
 */
function failureOf<Final extends string, Open extends string>(
  context: Context,
  error: unknown,
  kinds: { final: Final; open: Open },
): { kind: Final | Open; error: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Stripe.errors.StripeInvalidRequestError) return { kind: kinds.final, error: message };
  context.log.error("Stripe could not be asked", { error: describeError(error) });
  return { kind: kinds.open, error: message };
}
