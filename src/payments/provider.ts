import type { Order } from "../orders/order.ts";
import type { Context } from "../platform/context.ts";
import type { payments, refunds } from "./tables.ts";

/** A row of `payments`: amounts in minor units, times in milliseconds. */
export type Payment = typeof payments.$inferSelect;

export type ProviderName = Payment["provider"];

/**
 * What a refund asks back: `amount` in minor units of `currency`. `createdAt` (milliseconds) is before the first time
 * that it was asked for.
 */
export type RefundRequest = Pick<typeof refunds.$inferSelect, "id" | "amount" | "currency" | "createdAt">;

/**
 * Whoever takes the buyer's money. Each call may be repeated after a crash, and then has its effect once: the ids
 * that it is given (the payment's, the refund's) are its idempotency keys.
 */
export interface Provider {
  /** Asks for the money of a payment whose row is written already. */
  open(context: Context, order: Order, payment: Payment): Promise<OpenOutcome>;
  /**
   * What a webhook tells, once its signature is found good.
   * @param body as it came, byte for byte
   */
  verify(context: Context, headers: Headers, body: string): Promise<VerifyOutcome>;
  /**
   * Sends money of a captured payment back, once however late it is asked for again: a dead letter may be retried after
   * days. Throws for nothing that a provider answers, or fails to.
   */
  refund(context: Context, payment: Payment, refund: RefundRequest): Promise<RefundOutcome>;
  /** Ends a payment that it has a name for, so that nobody pays it any more. Throws for nothing, as `refund`. */
  cancel(context: Context, payment: Payment): Promise<CancelOutcome>;
}

export type OpenOutcome =
  | {
      kind: "open";
      /** The provider's own name for the payment; null where it gives none. */
      providerId: string | null;
      /** With which the buyer's browser pays; null where `instructions` say how. */
      clientSecret: string | null;
    }
  /** Not to be had for this payment, however often it is asked: such as an amount below the provider's least. */
  | { kind: "refused"; error: string }
  /** Nothing is known to have happened: the same call may be made again. */
  | { kind: "unavailable"; error: string };

export type VerifyOutcome =
  | { kind: "event"; event: ProviderEvent }
  /** Well signed, and none of our concern. */
  | { kind: "ignored" }
  /** Missing, wrong or too old. */
  | { kind: "bad_signature" }
  /** Well signed, but not what was agreed on; `field` is a dotted path. */
  | { kind: "unreadable"; errors: { field?: string; code: string; message: string }[] };

export interface ProviderEvent {
  provider: ProviderName;
  /**
   * The provider's own id: the same event told again has it again. Of a refund of Stripe's that succeeded it is the
   * refund's, of one that failed the same with `:failed`: each counts once, and either may come first.
   */
  eventId: string;
  /** `canceled`: it cannot be tried again. `refund_failed`: it came to nothing, or came back after it was `refunded`; the provider has the money again. */
  kind: "succeeded" | "failed" | "canceled" | "refunded" | "refund_failed";
  /** The order's (`ORD-…`, in any case) or its id; null where the provider names none. */
  reference: string | null;
  /** The provider's name for the payment (a PaymentIntent's id), or for our refund that failed; or null. */
  providerId: string | null;
  /** Which of our refunds (`rfd_…`) it is about; null where the provider does not say. */
  refundId: string | null;
  /** Minor units. */
  amount: number;
  /** ISO 4217, upper case; null where the provider names none: the order's. */
  currency: string | null;
}

export type RefundOutcome =
  /** The money is on its way for good. */
  | { kind: "settled"; providerId: string | null }
  /** Asked for; a `refunded` event settles it later. */
  | { kind: "sent"; providerId: string | null }
  /** Never, however often it is asked for: before a person. `providerId` where it was made, and then failed. */
  | { kind: "refused"; error: string; providerId?: string }
  /** Not this time, or not known whether: ask again under the same id. */
  | { kind: "failed"; error: string };

export type CancelOutcome =
  /** Nobody can pay it, now or ever. */
  | { kind: "ended" }
  /** It was paid, or is about to be: its webhook decides. */
  | { kind: "taken" }
  /** Not this time, or not known whether: ask again. */
  | { kind: "failed"; error: string };

/** The part of the providers that ending payments needs. */
export type CancellerOf = (context: Context, provider: ProviderName) => Pick<Provider, "cancel">;

/** The part of the providers that refunds need. */
export type RefunderOf = (context: Context, provider: ProviderName) => Pick<Provider, "refund">;
