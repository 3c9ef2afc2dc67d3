import { exponentOf, isCurrency } from "../../platform/money.ts";

/** https://docs.stripe.com/currencies#zero-decimal, less UGX, which keeps two digits as ISK does (#special-cases). */
const ZERO_DECIMAL = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
/** https://docs.stripe.com/currencies#three-decimal; their last digit must be 0, or Stripe refuses the amount. */
const THREE_DECIMAL = new Set("BHD JOD KWD OMR TND".split(" "));

/** How many digits Stripe counts a currency in; null for one that it does not take. */
function stripeDigits(currency: string): number | null {
  if (!isCurrency(currency)) return null;
  if (ZERO_DECIMAL.has(currency)) return 0;
  if (THREE_DECIMAL.has(currency)) return 3;
  return exponentOf(currency) > 2 ? null : 2;
}

/** Minor units (ISO 4217) as Stripe counts them. Null where it cannot say so exactly: nothing is rounded. */
export function toStripeAmount(amount: number, currency: string): number | null {
  const digits = stripeDigits(currency);
  return digits === null ? null : scaled(amount, digits - exponentOf(currency));
}

/** What Stripe says, in minor units (ISO 4217). Null where they cannot say so exactly. */
export function fromStripeAmount(amount: number, currency: string): number | null {
  const digits = stripeDigits(currency);
  return digits === null ? null : scaled(amount, exponentOf(currency) - digits);
}

function scaled(amount: number, digits: number): number | null {
  const result = digits < 0 ? amount / 10 ** -digits : amount * 10 ** digits;
  return Number.isSafeInteger(result) ? result : null;
}
