import { z } from "@hono/zod-openapi";
import { dinero, toDecimal } from "dinero.js";
import * as currencies from "dinero.js/currencies";

/** Money inside the program; the API has a decimal string instead of minor units. */
export interface Money {
  /** Integer minor units of `currency`. */
  amount: number;
  /** ISO 4217, upper case. */
  currency: string;
}

/** Money in the API: `{"amount": "19.99", "currency": "USD"}`. */
export const moneySchema = z
  .object({
    amount: z.string().openapi({ example: "19.99", description: "Exact decimal, never a float" }),
    currency: z.string().openapi({ example: "USD", description: "ISO 4217" }),
  })
  .openapi("Money");

export type MoneyWire = z.infer<typeof moneySchema>;

/** Where the library counts in fifths, of which these two are made, ISO 4217 says hundredths. */
const OF_ISO = { MGA: 2, MRU: 2 };

/** How many decimal digits each currency has: ISO 4217's active list, and what has left it and old orders may still name. */
const DIGITS = new Map([
  ...Object.values(currencies).map(({ code, exponent }) => [code, exponent] as const),
  ...Object.entries(OF_ISO),
]);

export const isCurrency = (code: string): boolean => DIGITS.has(code);

/** How many decimal digits a currency has: USD 2, JPY 0, KWD 3 (ISO 4217). Throws on an unknown code. */
export function exponentOf(code: string): number {
  const digits = DIGITS.get(code);
  if (digits === undefined) throw new Error(`unknown currency ${code}`);
  return digits;
}

export const formatMoney = ({ amount, currency }: Money): MoneyWire => ({
  amount: toDecimal(
    dinero({ amount, currency: { code: currency, base: 10, exponent: exponentOf(currency) } }),
  ),
  currency,
});

/** As people read it: `12.50 EUR`. */
export const moneyText = (money: Money): string => {
  const { amount, currency } = formatMoney(money);
  return `${amount} ${currency}`;
};

/**
 * Converts a decimal string to minor units. Null when it is not a plain non-negative decimal, has more digits than the
 * currency, or is larger than an exact integer: it never rounds.
 */
export function parseAmount(text: string, currency: string): number | null {
  const digits = exponentOf(currency);
  const match = /^(\d{1,15})(?:\.(\d+))?$/.exec(text);
  if (!match) return null;
  const fraction = match[2] ?? "";
  if (fraction.length > digits) return null;
  const minor = Number(`${match[1]}${fraction.padEnd(digits, "0")}`);
  return Number.isSafeInteger(minor) ? minor : null;
}

/** A price in a request: checked against its currency and converted to minor units. */
export const priceInputSchema = z
  .object({
    amount: z.union([z.string(), z.number()]).transform(String).openapi({ type: "string", example: "19.99" }),
    currency: z.string().length(3).toUpperCase().openapi({ example: "USD" }),
  })
  .transform((price, context): Money => {
    if (!isCurrency(price.currency)) {
      context.addIssue({ code: "custom", path: ["currency"], message: "is not an ISO 4217 currency" });
      return z.NEVER;
    }
    const amount = parseAmount(price.amount, price.currency);
    if (amount === null) {
      context.addIssue({
        code: "custom",
        path: ["amount"],
        message: `must be a decimal from 0 with at most ${exponentOf(price.currency)} decimal digits`,
      });
      return z.NEVER;
    }
    return { amount, currency: price.currency };
  });
