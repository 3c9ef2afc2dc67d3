import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { stripeRefusal } from "../../src/orders/stripe-amount.ts";
import { givenCart } from "../carts/shopping.ts";
import { askUnder, countOf, levels, refusalOf } from "../orders/ask.ts";
import { ADA, basket, givenShop } from "../support/shop.ts";
import { STRIPE_SETTINGS } from "./tell.ts";

test.each([
  ["USD", 1_999, null],
  // The least and the most.
  ["USD", 49, "at least 0.50 USD"],
  ["USD", 50, null],
  ["USD", 99_999_999, null],
  ["USD", 100_000_000, "at most 999999.99 USD"],
  ["JPY", 49, "at least 50 JPY"],
  ["JPY", 99_999_999, null],
  ["CZK", 1_499, "at least 15.00 CZK"],
  ["SRD", 1, null],
  ["IDR", 999_999_999_999, null],
  ["IDR", 1_000_000_000_000, "at most 9999999999.99 IDR"],
  // Three digits, of which the last is 0.
  ["KWD", 1_990, null],
  ["KWD", 1_999, "only whole multiples of 0.010 KWD"],
  ["KWD", 99_999_990, null],
  ["KWD", 100_000_000, "at most 99999.990 KWD"],
  ["IQD", 1_000, "does not charge IQD"],
  ["CLF", 10_000, "does not charge CLF"],
  ["XYZ", 1, "does not charge XYZ"],
  // Hundredths in ISO 4217, and whole at Stripe.
  ["MGA", 120_000, null],
  ["MGA", 120_050, "only whole multiples of 1.00 MGA"],
  ["MGA", 9_999_999_900, null],
  ["MGA", 10_000_000_000, "at most 99999999.00 MGA"],
  ["MRU", 1_250, null],
  // Whole in ISO 4217, and hundredths at Stripe.
  ["ISK", 999_999, null],
  ["ISK", 1_000_000, "at most 999999 ISK"],
  ["UGX", 5, null],
  ["UGX", Number.MAX_SAFE_INTEGER, "at most 999999 UGX"],
  // Whole only where Stripe pays out.
  ["HUF", 17_545, null],
  ["HUF", 17_499, "at least 175.00 HUF"],
  ["TWD", 80_045, null],
])("whether Stripe charges so much, in minor units of %s: %i: %s", (currency, amount, why) => {
  expect(stripeRefusal({ amount, currency })).toBe(why && `Stripe ${why.replace(/^(?!does)/, "charges ")}.`);
});

const CARD = { customer: ADA, payment_method: "card" };
const FILS = { price: 1_999, currency: "KWD" };

/** Nothing is held, and no order is there. */
const nothing = async (productId: string) => {
  expect([await countOf("orders"), await levels(productId)]).toMatchObject([0, { reserved: 0 }]);
};

const place = (settings: Record<string, unknown>, body: unknown) =>
  askUnder(settings, "POST", "/orders", body);

test("what Stripe cannot charge is refused when it is ordered by card, with what can be done", async () => {
  const { productIds } = await givenShop([[50]], FILS);
  const [product = ""] = productIds;
  const refused = await place(STRIPE_SETTINGS, basket({ [product]: 1 }, CARD));
  const because = "This total cannot be paid by card. Stripe charges only whole multiples of 0.010 KWD.";
  expect(refused.body).toMatchObject({
    status: 422,
    code: "not_chargeable",
    detail: because,
    errors: [{ field: "payment_method", code: "not_chargeable", message: because }],
    total: { amount: "1.999", currency: "KWD" },
  });
  await nothing(product);
  // The total counts, and not each price.
  expect((await place(STRIPE_SETTINGS, basket({ [product]: 10 }, CARD))).status).toBe(201);
});

test.each([
  ["by invoice", STRIPE_SETTINGS, { payment_method: "invoice" }],
  ["in cash", STRIPE_SETTINGS, { payment_method: "cash_on_delivery" }],
  ["by card at another provider", { PAYMENT_PROVIDER: "standard" }, { payment_method: "card" }],
])("what is paid %s has no such limits", async (_, settings, method) => {
  const { productIds } = await givenShop([[5]], FILS);
  expect((await place(settings, basket({ [productIds[0] ?? ""]: 1 }, method))).status).toBe(201);
});

test("what costs nothing is not charged", async () => {
  const { productIds } = await givenShop([[5]], { price: 0 });
  const free = await place(STRIPE_SETTINGS, basket({ [productIds[0] ?? ""]: 1 }, CARD));
  expect([free.status, free.body.status]).toEqual([201, "confirmed"]);
});

test("a repeat under its key is refused alike, and may be sent anew with another method", async () => {
  const { productIds } = await givenShop([[5]], FILS);
  const [product = ""] = productIds;
  const send = (key: string, method: string) =>
    askUnder(
      STRIPE_SETTINGS,
      "POST",
      "/orders",
      basket({ [product]: 1 }, { ...CARD, payment_method: method }),
      { "Idempotency-Key": key },
    );
  const key = "a-guest-key-that-is-long-enough";
  for (const _ of [1, 2]) {
    expect(refusalOf(await send(key, "card"))).toEqual([422, "not_chargeable", "payment_method"]);
  }
  expect((await send(`${key}-2`, "invoice")).status).toBe(201);
});

test("in a bulk the one is refused and the others are placed; of all or nothing none is", async () => {
  const { productIds } = await givenShop([[50]], FILS);
  const [product = ""] = productIds;
  const orders = [basket({ [product]: 1 }, CARD), basket({ [product]: 10 }, CARD)];
  const together = await askUnder(STRIPE_SETTINGS, "POST", "/orders/bulk", {
    orders,
    mode: "all_or_nothing",
  });
  expect(together.body.results).toMatchObject([
    { status: "rejected", problem: { status: 422, code: "not_chargeable" } },
    { status: "rejected", problem: { code: "others_not_placed" } },
  ]);
  await nothing(product);
  const each = await askUnder(STRIPE_SETTINGS, "POST", "/orders/bulk", { orders });
  expect(each.body.results).toMatchObject([
    { status: "rejected", problem: { code: "not_chargeable", errors: [{ field: "payment_method" }] } },
    { status: "created" },
  ]);
});

test("a cart keeps its items when its checkout by card is refused", async () => {
  const { productIds } = await givenShop([[5]], FILS);
  const [product = ""] = productIds;
  const cart = await givenCart({ [product]: 1 });
  const checkout = (method: string) =>
    askUnder(
      STRIPE_SETTINGS,
      "POST",
      `${cart.path}/checkout`,
      { ...CARD, payment_method: method },
      cart.headers,
    );
  expect(refusalOf(await checkout("card"))).toEqual([422, "not_chargeable", "payment_method"]);
  await nothing(product);
  expect(await env.DB.prepare("SELECT count(*) AS items FROM cart_items").first("items")).toBe(1);
  expect((await checkout("invoice")).status).toBe(201);
});
