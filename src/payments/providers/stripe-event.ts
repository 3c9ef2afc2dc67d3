import { Stripe } from "stripe";
import { z } from "zod";
import { fromStripeAmount } from "../../orders/stripe-amount.ts";
import type { Context } from "../../platform/context.ts";
import { fieldErrors } from "../../platform/http/problem.ts";
import type { ProviderEvent, VerifyOutcome } from "../provider.ts";
import { stripeEventSchema } from "../schemas.ts";

const TOLERANCE_SECONDS = 300;
const cryptoProvider = Stripe.createSubtleCryptoProvider();

/** Verifies a webhook with Stripe's library, each secret and our clock, and then reads the event. */
export async function verifyStripeEvent(
  { settings, clock, log }: Context,
  headers: Headers,
  body: string,
): Promise<VerifyOutcome> {
  const signature = headers.get("stripe-signature") ?? "";
  for (const secret of settings.STRIPE_WEBHOOK_SECRET) {
    try {
      const event: unknown = await Stripe.webhooks.constructEventAsync(
        body,
        signature,
        secret,
        TOLERANCE_SECONDS,
        cryptoProvider,
        clock.now(),
      );
      return readEvent(event);
    } catch (error) {
      if (error instanceof Stripe.errors.StripeSignatureVerificationError) continue;
      const message = "is no event that Stripe sends here";
      log.warn("a signed webhook of Stripe's cannot be read", { error: String(error) });
      return { kind: "unreadable", errors: [{ code: "invalid_event", message }] };
    }
  }
  return { kind: "bad_signature" };
}

const currency = z.string().length(3).toUpperCase();
const units = z.int().min(0);
const metadata = z.record(z.string(), z.string()).nullish();

const intentSchema = z.object({
  data: z.object({
    object: z.object({
      id: z.string(),
      amount: units,
      amount_received: units.optional(),
      currency,
      metadata,
    }),
  }),
});

const refundSchema = z.object({
  data: z.object({
    object: z.object({
      id: z.string(),
      amount: units,
      currency,
      status: z.string().nullish(),
      payment_intent: z.union([z.string(), z.object({ id: z.string() })]).nullish(),
      metadata,
    }),
  }),
});

/** https://docs.stripe.com/api/events/types. `charge.refunded` is not needed: it only adds up what the refunds' events say. */
function readEvent(event: unknown): VerifyOutcome {
  const envelope = stripeEventSchema.safeParse(event);
  if (!envelope.success) return unreadable(envelope.error);
  switch (envelope.data.type) {
    case "payment_intent.succeeded":
      return readIntent(envelope.data.id, "succeeded", event);
    case "payment_intent.payment_failed":
      return readIntent(envelope.data.id, "failed", event);
    case "payment_intent.canceled":
      return readIntent(envelope.data.id, "canceled", event);
    case "refund.created":
    case "refund.updated":
    case "refund.failed":
      return readRefund(event);
    default:
      return { kind: "ignored" };
  }
}

function readIntent(
  eventId: string,
  kind: "succeeded" | "failed" | "canceled",
  event: unknown,
): VerifyOutcome {
  const read = intentSchema.safeParse(event);
  if (!read.success) return unreadable(read.error);
  const intent = read.data.data.object;
  const amount = kind === "succeeded" ? (intent.amount_received ?? intent.amount) : intent.amount;
  return withAmount(amount, intent.currency, {
    eventId,
    kind,
    reference: intent.metadata?.reference ?? null,
    providerId: intent.id,
    refundId: null,
  });
}

/**
 * Stripe sends several events for one refund, and more than one may report the same result. So the event's id is made of
 * the refund's, and each result counts once. A refund may fail after it succeeded, and then never succeeds again:
 * https://docs.stripe.com/refunds#failed-refunds.
 */
function readRefund(event: unknown): VerifyOutcome {
  const read = refundSchema.safeParse(event);
  if (!read.success) return unreadable(read.error);
  const refund = read.data.data.object;
  const metadata = refund.metadata ?? {};
  const refundId = metadata.refund_id ?? null;
  const intent =
    typeof refund.payment_intent === "string" ? refund.payment_intent : refund.payment_intent?.id;
  const named = { reference: metadata.reference ?? metadata.order_id ?? null, refundId };
  switch (refund.status) {
    case "succeeded":
      return withAmount(refund.amount, refund.currency, {
        ...named,
        eventId: refund.id,
        kind: "refunded",
        providerId: intent ?? null,
      });
    case "failed":
    case "canceled":
      return withAmount(refund.amount, refund.currency, {
        ...named,
        eventId: `${refund.id}:failed`,
        kind: "refund_failed",
        // A refund that we did not request has no id of ours, so its payment tells which order it is about.
        providerId: refundId === null ? (intent ?? null) : refund.id,
      });
    default:
      return { kind: "ignored" };
  }
}

function withAmount(
  stripeAmount: number,
  code: string,
  event: Omit<ProviderEvent, "provider" | "amount" | "currency">,
): VerifyOutcome {
  const amount = fromStripeAmount(stripeAmount, code);
  if (amount === null) {
    const message = `is no amount of ${code} that can be counted exactly`;
    return { kind: "unreadable", errors: [{ field: "data.object.amount", code: "invalid_amount", message }] };
  }
  return { kind: "event", event: { provider: "stripe", amount, currency: code, ...event } };
}

const unreadable = (error: z.ZodError): VerifyOutcome => ({
  kind: "unreadable",
  errors: fieldErrors(error.issues),
});
