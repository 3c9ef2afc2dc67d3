import { expect, test } from "vitest";
import { exponentOf, formatMoney, isCurrency, parseAmount } from "../../src/platform/money.ts";

/**
 * ISO 4217's active currencies by their minor units, as list one has them at the beginning of 2026. ICU, and so `Intl`, says
 * something else for many of them (HUF, IDR, IQD, PKR, …): it counts the coins that are in use.
 */
const ISO: Record<number, string> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP
    COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
    JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN
    NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
    THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG`,
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
};

/** On the list for metals, funds and tests: nothing can be priced in them. */
const WITHOUT_MINOR_UNITS = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX";

/** Left the list while shops may have orders in it. */
const OF_OLD_ORDERS = { BGN: 2 };

const codes = (text: string) => text.trim().split(/\s+/);

test.each(Object.entries(ISO))("a currency with %s digits of ISO 4217 has so many here", (digits, text) => {
  expect(codes(text).map((code) => [code, isCurrency(code) && exponentOf(code)])).toEqual(
    codes(text).map((code) => [code, Number(digits)]),
  );
});

test("what has no minor units, or was never a code, is no currency", () => {
  expect([...codes(WITHOUT_MINOR_UNITS), "XYZ", "usd", "toString"].filter(isCurrency)).toEqual([]);
  expect(() => exponentOf("XAU")).toThrow();
});

test("what has left the list is still known", () => {
  expect(Object.keys(OF_OLD_ORDERS).map((code) => [code, exponentOf(code)])).toEqual(
    Object.entries(OF_OLD_ORDERS),
  );
});

test.each([
  ["MGA", "12.50", 1_250, "12.50"],
  ["MRU", "0.2", 20, "0.20"],
  ["USD", "19.99", 1_999, "19.99"],
  ["JPY", "500", 500, "500"],
  ["HUF", "10.45", 1_045, "10.45"],
  ["KWD", "1.234", 1_234, "1.234"],
  ["CLF", "1.2345", 12_345, "1.2345"],
  ["MGA", "12.505", null, null],
  ["JPY", "500.5", null, null],
])("%s %s is %s minor units", (currency, text, minor, shown) => {
  expect(parseAmount(text, currency)).toBe(minor);
  if (minor !== null) expect(formatMoney({ amount: minor, currency }).amount).toBe(shown);
});
