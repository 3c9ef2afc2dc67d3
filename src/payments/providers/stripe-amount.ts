import { exponentOf, isCurrency } from "../../platform/money.ts";

/** https://docs.stripe.com/currencies#zero-decimal, without UGX, which has two digits like ISK (#special-cases). */
const ZERO_DECIMAL = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
/** https://docs.stripe.com/currencies#three-decimal. Stripe refuses an amount whose last digit is not 0. */
const THREE_DECIMAL = new Set("BHD JOD KWD OMR TND".split(" "));

/** How many decimal digits Stripe's amounts have in a currency; null if Stripe does not take it. */
function stripeDigits(currency: string): number | null {
  if (!isCurrency(currency)) return null;
  if (ZERO_DECIMAL.has(currency)) return 0;
  if (THREE_DECIMAL.has(currency)) return 3;
  return exponentOf(currency) > 2 ? null : 2;
}

/** Converts minor units (ISO 4217) to Stripe's. Null where that is not exact: nothing is rounded. */
export function toStripeAmount(amount: number, currency: string): number | null {
  const digits = stripeDigits(currency);
  return digits === null ? null : scaled(amount, digits - exponentOf(currency));
}

/** Converts Stripe's units to minor units (ISO 4217). Null where that is not exact. */
export function fromStripeAmount(amount: number, currency: string): number | null {
  const digits = stripeDigits(currency);
  return digits === null ? null : scaled(amount, exponentOf(currency) - digits);
}

function scaled(amount: number, digits: number): number | null {
  const result = digits < 0 ? amount / 10 ** -digits : amount * 10 ** digits;
  return Number.isSafeInteger(result) ? result : null;
}
