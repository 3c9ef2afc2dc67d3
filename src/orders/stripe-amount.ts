import { exponentOf, isCurrency, type Money, moneyText } from "../platform/money.ts";

/*
 * What Stripe can charge. It stands here and not beside its client, since an order that cannot be paid is refused when it is
 * placed, and not when its buyer comes to pay.
 */

/** https://docs.stripe.com/currencies#zero-decimal, without UGX, which has two digits like ISK (#special-cases). */
const ZERO_DECIMAL = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
/** https://docs.stripe.com/currencies#three-decimal. Stripe refuses an amount whose last digit is not 0. */
const THREE_DECIMAL = new Set("BHD JOD KWD OMR TND".split(" "));

/**
 * https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, in Stripe's units. Stripe compares in the currency of
 * the account that it pays out to, which nobody here knows: this is what it asks where that is the order's own.
 */
const LEAST: Partial<Record<string, number>> = {
  ...{
    USD: 50,
    AED: 200,
    AUD: 50,
    BGN: 100,
    BRL: 50,
    CAD: 50,
    CHF: 50,
    CZK: 1_500,
    DKK: 250,
    EUR: 50,
    GBP: 30,
  },
  ...{ HKD: 400, HUF: 17_500, INR: 50, JPY: 50, MXN: 1_000, MYR: 200, NOK: 300, NZD: 50, PLN: 200, RON: 200 },
  ...{ SEK: 300, SGD: 50, THB: 1_000 },
};
/** Eight digits, and twelve where prices have many. */
const MOST = 99_999_999;
const MOST_OF: Partial<Record<string, number>> = { IDR: 999_999_999_999 };

/** Why Stripe cannot charge an amount of more than 0, for people; null where it can. */
export function stripeRefusal({ amount, currency }: Money): string | null {
  const digits = stripeDigits(currency);
  if (digits === null) return `Stripe does not charge ${currency}.`;
  const money = (minor: number) => moneyText({ amount: minor, currency });
  // Stripe's unit in minor units: 1, 100 for MGA, 0.01 for ISK.
  const unit = 10 ** (exponentOf(currency) - digits);
  const step = digits === 3 ? 10 : Math.max(unit, 1);
  const most = Math.floor(((MOST_OF[currency] ?? MOST) * unit) / step) * step;
  if (amount > most) return `Stripe charges at most ${money(most)}.`;
  const least = (LEAST[currency] ?? 0) * unit;
  if (amount < least) return `Stripe charges at least ${money(least)}.`;
  return amount % step === 0 ? null : `Stripe charges only whole multiples of ${money(step)}.`;
}

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
