import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { isoTimestamp } from "../../src/platform/clock.ts";
import { testClock } from "../support/clock.ts";
import { ADA, basket, givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { askUnder, levels, order, read, refusalOf, tokenOf } from "./ask.ts";

const MINUTE = 60_000;
const usd = (amount: string) => ({ amount, currency: "USD" });

async function mailsOwed(orderId: string): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT task FROM work WHERE object_id = ?1")
    .bind(orderId)
    .all<{ task: string }>();
  return results.map(({ task }) => task);
}

async function mailsSent(): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT to_address FROM emails").all<{ to_address: string }>();
  return results.map(({ to_address }) => to_address);
}

describe("an order", () => {
  test("holds its units, and says what was bought, at which price, from where", async () => {
    const { productIds, storeIds, skus } = await givenShop([[5], [3]]);
    const [apple = "", pear = ""] = productIds;
    const placed = await order(basket({ [apple]: 2, [pear]: 3 }));

    expect(placed.status).toBe(201);
    expect(placed.body).toEqual({
      id: expect.stringMatching(/^ord_[0-9a-z]{26}$/),
      reference: expect.stringMatching(/^ORD-[0-9A-Z]{10}$/),
      status: "confirmed",
      payment_status: "none",
      payment_method: "invoice",
      priority: "normal",
      customer: ADA,
      shipping_address: null,
      items: [
        {
          product_id: apple,
          sku: skus[0],
          title: "Product 1",
          quantity: 2,
          unit_price: usd("19.99"),
          subtotal: usd("39.98"),
          allocations: [{ store_id: storeIds[0], quantity: 2 }],
        },
        {
          product_id: pear,
          sku: skus[1],
          title: "Product 2",
          quantity: 3,
          unit_price: usd("19.99"),
          subtotal: usd("59.97"),
          allocations: [{ store_id: storeIds[0], quantity: 3 }],
        },
      ],
      totals: {
        subtotal: usd("99.95"),
        shipping: usd("0.00"),
        tax: usd("0.00"),
        duty: usd("0.00"),
        total: usd("99.95"),
        refunded: usd("0.00"),
        kept: usd("99.95"),
      },
      total_items: 5,
      notes: null,
      metadata: null,
      expires_at: null,
      version: 1,
      created_at: isoTimestamp(testClock.now()),
      updated_at: isoTimestamp(testClock.now()),
      access_token: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(await levels(apple)).toMatchObject({ on_hand: 5, reserved: 2, available: 3 });
    expect(await levels(pear)).toMatchObject({ on_hand: 3, reserved: 3, available: 0 });
  });

  test("by card, which is what goes without saying, waits half an hour for its payment", async () => {
    const { productIds } = await givenShop([[5]]);
    const placed = await order({ ...basket({ [productIds[0] ?? ""]: 1 }), payment_method: undefined });
    expect(placed.body).toMatchObject({
      status: "pending",
      payment_status: "awaiting",
      payment_method: "card",
      priority: "normal",
      expires_at: isoTimestamp(testClock.now() + 30 * MINUTE),
    });
    expect(await mailsOwed(placed.body.id)).toEqual([]);
  });

  test("waits as long as the setting says, decimals and all", async () => {
    const { productIds } = await givenShop([[5]]);
    const body = basket({ [productIds[0] ?? ""]: 1 }, { payment_method: "card" });
    const placed = await askUnder({ ORDER_EXPIRATION_MINUTES: "0.5" }, "POST", "/orders", body);
    expect(placed.body.expires_at).toBe(isoTimestamp(testClock.now() + MINUTE / 2));
  });

  test.each(["invoice", "cash_on_delivery"])(
    "on %s is confirmed at once, and its confirmation goes out once",
    async (payment_method) => {
      const { productIds } = await givenShop([[5]]);
      const placed = await order(basket({ [productIds[0] ?? ""]: 1 }, { payment_method, priority: "high" }));
      expect(placed.body).toMatchObject({
        status: "confirmed",
        payment_status: "none",
        payment_method,
        priority: "high",
        expires_at: null,
      });
      expect(await mailsOwed(placed.body.id)).toEqual(["email"]);
      await expect.poll(mailsSent, { timeout: 5_000 }).toEqual([ADA.email]);
    },
  );

  test("adds up lines of one product before it looks at the stock", async () => {
    const { productIds } = await givenShop([[5], [5]]);
    const [apple = "", pear = ""] = productIds;
    const line = (product_id: string, quantity: number) => ({ product_id, quantity });

    const placed = await order(basket({}, { items: [line(apple, 2), line(pear, 1), line(apple, 3)] }));
    expect(placed.body.items).toMatchObject([
      { product_id: apple, quantity: 5, subtotal: usd("99.95") },
      { product_id: pear, quantity: 1 },
    ]);
    expect(placed.body.total_items).toBe(6);

    const tooMuch = await order(basket({}, { items: [line(pear, 3), line(pear, 2)] }));
    expect(tooMuch.body.errors).toEqual([{ product_id: pear, requested: 5, available: 4 }]);
  });

  test("takes quantity_requested for quantity, unless both are there", async () => {
    const { productIds } = await givenShop([[9]]);
    const [product_id = ""] = productIds;
    const old = await order(basket({}, { items: [{ product_id, quantity_requested: 4 }] }));
    expect(old.body.total_items).toBe(4);
    const both = await order(basket({}, { items: [{ product_id, quantity: 1, quantity_requested: 4 }] }));
    expect(both.body.total_items).toBe(1);
    const wrong = await order(basket({}, { items: [{ product_id, quantity_requested: "4" }] }));
    expect(refusalOf(wrong)).toEqual([422, "invalid_body", "items.0.quantity"]);
  });

  test("keeps title and price as they were, whatever becomes of the product", async () => {
    const { productIds } = await givenShop([[5]]);
    const [product = ""] = productIds;
    const before = await order(basket({ [product]: 1 }));
    const staff = await signIn("staff");
    const change = { title: "Renamed", sku: "RENAMED", price: { amount: "5.00" } };
    expect((await askUnder({}, "PATCH", `/products/${product}`, change, staff.headers)).status).toBe(200);
    const after = await order(basket({ [product]: 1 }));
    expect((await askUnder({}, "DELETE", `/products/${product}`, undefined, staff.headers)).status).toBe(204);

    const kept = await read(`/orders/${before.body.id}`, tokenOf(before));
    expect(kept.body.items).toEqual(before.body.items);
    expect(kept.body.totals).toEqual(before.body.totals);
    expect(after.body.items).toMatchObject([{ title: "Renamed", sku: "RENAMED", unit_price: usd("5.00") }]);
  });

  test("gives back every text as it came", async () => {
    const { productIds } = await givenShop([[5]]);
    const awkward = `Ünïcödé "quotes" 'n' \\ 👩‍🚀 \u202E ' OR 1=1; DROP TABLE orders; -- <script>`;
    const lines = `${awkward}\n\t${awkward}`;
    const said = {
      notes: lines,
      metadata: { [awkward]: [lines, { deep: [1, -0.5, true, null, ""] }], "": "no name", $ref: "x" },
      customer: { name: awkward, email: "O'Hara+tag@Shop.Example", phone: "+44 (0) 1234;--" },
      shipping_address: {
        name: "Ada",
        line1: '1 "Quote" Street\'',
        line2: "c/o 'x'",
        city: "São Paulo",
        region: "SP",
        postal_code: "01310-100",
        country: "br",
      },
    };
    const placed = await order(basket({ [productIds[0] ?? ""]: 1 }, said));
    const expected = { ...said, shipping_address: { ...said.shipping_address, country: "BR" } };
    expect(placed.body).toMatchObject(expected);
    const kept = await read(`/orders/${placed.body.id}`, tokenOf(placed));
    const { access_token: _, ...answered } = placed.body;
    expect(kept.body).toEqual({ ...answered, payments: [], shipments: [], returns: [] });
  });
});

describe("who buys", () => {
  test("a signed-in buyer need not say who they are, and gets no token", async () => {
    const { productIds } = await givenShop([[5]]);
    const buyer = await signIn();
    const items = [{ product_id: productIds[0], quantity: 1 }];
    const placed = await order({ items }, buyer.headers);
    expect(placed.status).toBe(201);
    expect(placed.body.customer).toEqual({ name: "The customer", email: buyer.email });
    expect(placed.body).not.toHaveProperty("access_token");
    const forAnother = await order({ items, customer: ADA }, buyer.headers);
    expect(forAnother.body.customer).toEqual(ADA);
  });

  test.each([
    [undefined, "customer_required", "customer"],
    [null, "customer_required", "customer"],
    [{}, "invalid_body", "customer.name", "customer.email"],
    [{ email: ADA.email }, "invalid_body", "customer.name"],
    [{ name: "  ", email: ADA.email }, "invalid_body", "customer.name"],
    [{ name: "Ada" }, "invalid_body", "customer.email"],
    [{ name: "Ada", email: "ada" }, "invalid_body", "customer.email"],
    [{ name: "Ada", email: "a@b.example\r\nBcc: all@shop.example" }, "invalid_body", "customer.email"],
  ])("a guest who is %j is refused", async (customer, code, ...fields) => {
    const { productIds } = await givenShop([[5]]);
    const refused = await order({ items: [{ product_id: productIds[0], quantity: 1 }], customer });
    expect(refusalOf(refused)).toEqual([422, code, ...fields]);
    expect(await levels(productIds[0] ?? "")).toMatchObject({ reserved: 0 });
  });

  test("without guest checkout, only who is signed in buys", async () => {
    const { productIds } = await givenShop([[5]]);
    const body = basket({ [productIds[0] ?? ""]: 1 });
    const off = { GUEST_CHECKOUT: "false" };
    const refused = await askUnder(off, "POST", "/orders", body);
    expect(refusalOf(refused)).toEqual([401, "unauthenticated"]);
    expect(refused.headers.get("WWW-Authenticate")).toBe("Bearer");
    const { headers } = await signIn();
    expect((await askUnder(off, "POST", "/orders", body, headers)).status).toBe(201);
    expect(await levels(productIds[0] ?? "")).toMatchObject({ reserved: 1 });
  });
});
