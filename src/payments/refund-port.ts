import type { Context } from "../platform/context.ts";
import type { Payment, Refund } from "./money.ts";

/** What became of asking a provider to send money back. */
export type RefundOutcome =
  | { kind: "settled"; providerId: string | null }
  /** Asked for; a `refunded` event settles it later. */
  | { kind: "sent"; providerId: string | null }
  /** Never, however often it is asked for. */
  | { kind: "refused"; error: string }
  /** Not this time, or not known whether: ask again under the same id. */
  | { kind: "failed"; error: string };

/** The part of a provider that refunds need. The refund's id is its idempotency key: the same one is paid once. */
export interface Refunder {
  refund(context: Context, payment: Payment, refund: Refund): Promise<RefundOutcome>;
}

export type RefunderOf = (context: Context, provider: Payment["provider"]) => Refunder;

export const noRefunder: RefunderOf = (_context, provider) => {
  throw new Error(`no provider ${provider} is wired`);
};
