import { Stripe } from "stripe";
import type { Order } from "../../orders/order.ts";
import type { Context } from "../../platform/context.ts";
import { describeError } from "../../platform/log.ts";
import type { Settings } from "../../platform/settings.ts";
import type {
  CancelOutcome,
  OpenOutcome,
  Payment,
  Provider,
  RefundOutcome,
  RefundRequest,
} from "../provider.ts";
import { toStripeAmount } from "./stripe-amount.ts";
import { verifyStripeEvent } from "./stripe-event.ts";

/** A buyer waits for the answer. */
const TIMEOUT_MS = 10_000;

/** https://docs.stripe.com/payments/payment-intents: one PaymentIntent for each of our payments. */
export const stripe: Provider = {
  open: openIntent,
  verify: verifyStripeEvent,
  refund: refundIntent,
  cancel: cancelIntent,
};

/** One for each set of settings. It keeps no connection, so requests may share it. */
const clients = new WeakMap<Settings, Stripe>();

function clientOf(settings: Settings): Stripe | null {
  if (settings.STRIPE_SECRET_KEY === undefined) return null;
  const known = clients.get(settings);
  if (known) return known;
  const client = new Stripe(settings.STRIPE_SECRET_KEY, {
    ...(settings.STRIPE_API_URL === undefined ? {} : addressOf(settings.STRIPE_API_URL)),
    httpClient: Stripe.createFetchHttpClient((...call: Parameters<typeof fetch>) => fetch(...call)),
    // Whoever called may call again under the same idempotency key.
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

/** https://docs.stripe.com/api/payment_intents/cancel: what it answers for one that is beyond that says in which state. */
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
 * For so long after a refund was promised its key is sure to be known, whenever it was first used: Stripe keeps keys
 * for 24 hours at least (https://docs.stripe.com/api/idempotent_requests). The other half of the day is for clocks
 * that differ and for calls under way.
 */
const SURE_OF_KEY_MS = 12 * 3_600_000;
const PAGE = 100;
/** Refunds of one PaymentIntent that are looked through: more than any has. */
const MAX_LOOKED_THROUGH = 10 * PAGE;

/**
 * Creates the refund under its own id as idempotency key. One that was promised long ago (a dead letter that staff
 * retried, a mark that was never made) may have been made under a key that Stripe has forgotten since: it is looked
 * for first, and what is there is the answer. Two that look at once and find nothing create under one key, which is
 * then as young as they are. What would still pay twice is a create that is under way for a day, from before the look
 * to after the key is gone: no call outlives its timeout by that much.
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

  if (context.clock.now() - refund.createdAt >= SURE_OF_KEY_MS) {
    const found = await lookForRefund(context, client, intent, refund.id);
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

/** Whatever goes wrong here says nothing of the refund: only a create may be refused for good. */
async function lookForRefund(
  context: Context,
  client: Stripe,
  intent: string,
  refundId: string,
): Promise<{ kind: "looked"; made: Stripe.Refund | null } | { kind: "failed"; error: string }> {
  let looked = 0;
  try {
    for await (const made of client.refunds.list({ payment_intent: intent, limit: PAGE })) {
      if (made.metadata?.refund_id === refundId) return { kind: "looked", made };
      looked += 1;
      if (looked === MAX_LOOKED_THROUGH) {
        return { kind: "failed", error: `${intent} has too many refunds to look for ${refundId} among them` };
      }
    }
    return { kind: "looked", made: null };
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
 * What Stripe would say again to the same request is final; a wrong key, a limit, a twin under way and whatever is
 * Stripe's own trouble may pass.
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
