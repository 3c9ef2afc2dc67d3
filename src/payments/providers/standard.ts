import { Webhook } from "standardwebhooks";
import { Commit } from "../../events/commit.ts";
import type { Order } from "../../orders/order.ts";
import type { Context } from "../../platform/context.ts";
import { fieldErrors } from "../../platform/http/problem.ts";
import { prefixed } from "../../platform/ids.ts";
import { findUnstorableText } from "../../platform/json-text.ts";
import { formatMoney } from "../../platform/money.ts";
import { first, sql } from "../../platform/sql.ts";
import type { Payment } from "../money.ts";
import type { Provider, RefundOutcome, RefundRequest, VerifyOutcome } from "../provider.ts";
import { standardEventSchema } from "../schemas.ts";

/** How far a webhook's timestamp may be from now: https://github.com/standard-webhooks/standard-webhooks. */
const TOLERANCE_SECONDS = 300;

/**
 * Any payment provider that signs its webhooks by Standard Webhooks. It is never called: the buyer pays it and names the
 * order's reference, and it learns of refunds from the event `refund.requested`.
 */
export const standard: Provider = {
  open: async () => ({ kind: "open", providerId: null, clientSecret: null }),
  verify: async (context, headers, body) =>
    isSigned(context, headers, body) ? readEvent(body) : { kind: "bad_signature" },
  refund: requestRefund,
  // There is nothing to cancel, since nothing was opened there.
  cancel: async () => ({ kind: "ended" }),
};

/** The package's own `verify` uses the system's clock instead of ours, so the signature is compared here. */
function isSigned({ settings, clock }: Context, headers: Headers, body: string): boolean {
  const id = headers.get("webhook-id");
  const stamp = headers.get("webhook-timestamp");
  const signatures = headers.get("webhook-signature")?.split(" ") ?? [];
  if (!id || !stamp || !/^\d{1,12}$/.test(stamp)) return false;
  if (Math.abs(Math.floor(clock.now() / 1000) - Number(stamp)) > TOLERANCE_SECONDS) return false;
  return settings.PAYMENT_WEBHOOK_SECRET.some((secret) => {
    const expected = new Webhook(secret).sign(id, new Date(Number(stamp) * 1000), body);
    return signatures.some((signature) => isSame(signature, expected));
  });
}

/** Compares in constant time, so that the time says nothing about the right signature. */
function isSame(given: string, expected: string): boolean {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(given), encoder.encode(expected)];
  return left.byteLength === right.byteLength && crypto.subtle.timingSafeEqual(left, right);
}

const KINDS = {
  success: "succeeded",
  failed: "failed",
  refunded: "refunded",
  refund_failed: "refund_failed",
} as const;

function readEvent(body: string): VerifyOutcome {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { kind: "unreadable", errors: [{ code: "invalid_json", message: "is not JSON" }] };
  }
  const field = findUnstorableText(body);
  if (field !== null) {
    const message = "must hold neither U+0000 nor half of a surrogate pair";
    return { kind: "unreadable", errors: [{ field, code: "invalid_characters", message }] };
  }
  const read = standardEventSchema.safeParse(json);
  if (!read.success) return { kind: "unreadable", errors: fieldErrors(read.error.issues) };
  const { event_id, reference, status, amount, currency, refund_id } = read.data;
  return {
    kind: "event",
    event: {
      provider: "standard",
      eventId: event_id,
      kind: KINDS[status],
      reference,
      providerId: null,
      refundId: refund_id ?? null,
      amount,
      currency: currency ?? null,
    },
  };
}

/**
 * Requests the refund by an event of our log. The same batch sets the event's id as the refund's `provider_id`, so it
 * happens once however often this runs.
 */
async function requestRefund(
  context: Context,
  payment: Payment,
  refund: RefundRequest,
): Promise<RefundOutcome> {
  const order = await first(
    context.env.DB,
    sql<
      Pick<Order, "reference" | "version">
    >`SELECT reference, version FROM orders WHERE id = ${payment.orderId}`,
  );
  if (!order) return { kind: "failed", error: `the payment ${payment.id} is of no order` };
  const now = context.clock.now();
  const event = {
    id: prefixed("evt", refund.id.replace(/^rfd_/, "")),
    type: "refund.requested",
    at: now,
    object_type: "order" as const,
    object_id: payment.orderId,
    object_version: order.version,
    data: {
      refund_id: refund.id,
      payment_id: payment.id,
      reference: order.reference,
      amount: formatMoney({ amount: refund.amount, currency: refund.currency }),
    },
  };
  const isUnsent = sql`id = ${refund.id} AND state = 'due' AND provider_id IS NULL`;
  const commit = new Commit(context);
  commit.events([event], sql`EXISTS (SELECT 1 FROM refunds WHERE ${isUnsent})`);
  commit.win(sql`UPDATE refunds SET provider_id = ${event.id}, updated_at = ${now} WHERE ${isUnsent}`);
  await commit.send();
  return { kind: "sent", providerId: event.id };
}
