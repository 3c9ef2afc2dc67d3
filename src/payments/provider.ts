import type { Order } from "../orders/order.ts";
import type { Context } from "../platform/context.ts";
import type { Payment, Refund } from "./money.ts";

export type ProviderName = Payment["provider"];

/** `amount` is in minor units of `currency`. `createdAt` (milliseconds) is before the provider was first asked for it. */
export type RefundRequest = Pick<Refund, "id" | "amount" | "currency" | "createdAt">;

/**
 * Whoever takes the buyers' money. A call may be repeated after a crash, and must have its effect once all the same: the id
 * of the payment or refund is its idempotency key.
 */
export interface Provider {
  /** Opens a payment at the provider. Its row is written already. */
  open(context: Context, order: Order, payment: Payment): Promise<OpenOutcome>;
  /** Checks a webhook's signature, and reads its event. @param body as it came, byte for byte */
  verify(context: Context, headers: Headers, body: string): Promise<VerifyOutcome>;
  /**
   * Sends money of a captured payment back. It must do so once, even if it is called again days later, since a dead letter
   * may be retried then. Whatever the provider answers, or if it does not, is an outcome; nothing is thrown.
   */
  refund(context: Context, payment: Payment, refund: RefundRequest): Promise<RefundOutcome>;
  /** Ends a payment that has an id at the provider, so that nobody can pay it any more. Throws nothing, like `refund`. */
  cancel(context: Context, payment: Payment): Promise<CancelOutcome>;
}

export type OpenOutcome =
  | {
      kind: "open";
      /** The provider's id of the payment; null if it has none. */
      providerId: string | null;
      /** The secret with which the buyer's browser pays; null where the answer has `instructions` instead. */
      clientSecret: string | null;
    }
  /** The provider will never take this payment, for example because its amount is below the provider's minimum. */
  | { kind: "refused"; error: string }
  /** It is not known whether it was opened: the same call may be made again. */
  | { kind: "unavailable"; error: string };

export type VerifyOutcome =
  | { kind: "event"; event: ProviderEvent }
  /** The signature is right, but the event is of a type that we do not need. */
  | { kind: "ignored" }
  /** The signature is missing, wrong or too old. */
  | { kind: "bad_signature" }
  /** The signature is right, but the event is not of the agreed shape. `field` is a dotted path. */
  | { kind: "unreadable"; errors: { field?: string; code: string; message: string }[] };

export interface ProviderEvent {
  provider: ProviderName;
  /**
   * The provider's id of the event; a repeat has the same. For a Stripe refund that succeeded it is the refund's id, and for
   * one that failed the same with `:failed`, so that each counts once, whichever comes first.
   */
  eventId: string;
  /**
   * `canceled`: the payment cannot be tried again. `refund_failed`: the refund did not succeed, or its money came back after
   * it was `refunded`; the provider has the money again.
   */
  kind: "succeeded" | "failed" | "canceled" | "refunded" | "refund_failed";
  /** The order's reference (`ORD-…`, in upper or lower case) or its id; null if the provider names none. */
  reference: string | null;
  /** The provider's id of the payment (a PaymentIntent's id), or of our refund that failed; or null. */
  providerId: string | null;
  /** Our id (`rfd_…`) of the refund that it is about; null if the provider does not name it. */
  refundId: string | null;
  /** Minor units. */
  amount: number;
  /** ISO 4217, upper case; null if the provider names none, and then it is the order's. */
  currency: string | null;
}

export type RefundOutcome =
  /** The refund has succeeded. */
  | { kind: "settled"; providerId: string | null }
  /** The provider was asked for it; a `refunded` event settles it later. */
  | { kind: "sent"; providerId: string | null }
  /** It will never succeed, so a person must see to it. It has a `providerId` if it was made, and then failed. */
  | { kind: "refused"; error: string; providerId?: string }
  /** It failed this time, or that is not known: it must be asked for again under the same id. */
  | { kind: "failed"; error: string };

export type CancelOutcome =
  /** Nobody can pay it, now or ever. */
  | { kind: "ended" }
  /** It was paid, or is about to be: its webhook decides. */
  | { kind: "taken" }
  /** It failed this time, or that is not known: it must be tried again. */
  | { kind: "failed"; error: string };

/** The part of the providers that ending payments needs. */
export type CancellerOf = (context: Context, provider: ProviderName) => Pick<Provider, "cancel">;

/** The part of the providers that refunds need. */
export type RefunderOf = (context: Context, provider: ProviderName) => Pick<Provider, "refund">;
