import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../orders/ask.ts";
import { givenCatalog } from "../support/catalog.ts";
import { testClock } from "../support/clock.ts";
import { givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { ask, givenCart, putItem, putItems, read, removeItem, rows } from "./shopping.ts";

const usd = (amount: string) => ({ amount, currency: "USD" });

/** The projection, as the objects' reports would have it. */
async function project(productId: string, storeIds: string[], available: number[]): Promise<void> {
  for (const [index, storeId] of storeIds.entries()) {
    await env.DB.prepare(
      `INSERT OR REPLACE INTO stock_levels (product_id, store_id, on_hand, reserved, available, epoch, version, updated_at)
       VALUES (?1, ?2, ?3, 0, ?3, 0, 0, 0)`,
    )
      .bind(productId, storeId, available[index] ?? 0)
      .run();
  }
}

const setPrice = (productId: string, price: number, currency = "USD") =>
  env.DB.prepare("UPDATE products SET price = ?2, currency = ?3 WHERE id = ?1")
    .bind(productId, price, currency)
    .run();
const archive = (productId: string) =>
  env.DB.prepare("UPDATE products SET active = 0 WHERE id = ?1").bind(productId).run();

describe("a new cart", () => {
  test("is a guest's, with a token that is shown once and kept as a hash", async () => {
    const made = await ask("POST", "/carts");
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^crt_[0-9a-z]{26}$/),
      token: expect.stringMatching(/^[\w-]{43}$/),
      items: [],
      totals: {
        subtotal: usd("0.00"),
        shipping: usd("0.00"),
        tax: usd("0.00"),
        duty: usd("0.00"),
        total: usd("0.00"),
      },
      total_items: 0,
      order: null,
      version: 1,
      created_at: new Date(testClock.now()).toISOString(),
      updated_at: new Date(testClock.now()).toISOString(),
    });
    expect(made.headers.get("Location")).toBe(`/api/v1/carts/${made.body.id}`);
    const { token, ...rest } = made.body;
    const seen = await ask("GET", `/carts/${made.body.id}`, undefined, { "X-Cart-Token": token });
    expect(seen.body).toEqual(rest);
    expect(JSON.stringify(await rows("SELECT * FROM carts"))).not.toContain(token);
  });

  test("is a signed-in user's, without a token; each of theirs is listed, newest first", async () => {
    const { headers } = await signIn();
    const first = await givenCart({}, headers);
    testClock.advance(1);
    const second = await givenCart({}, headers);
    await givenCart({}, (await signIn()).headers);
    await givenCart();
    expect(first.token).toBeUndefined();
    const { body } = await ask("GET", "/carts", undefined, headers);
    expect(body.results.map(({ id }: { id: string }) => id)).toEqual([second.id, first.id]);
    expect(body).toMatchObject({ count: 2, results: [{ total_items: 0, order: null, version: 1 }, {}] });
    expect((await ask("GET", "/carts")).status).toBe(401);
  });

  test("is nobody else's: not to a guest, another token, another user or staff", async () => {
    const { productIds } = await givenCatalog({ products: 1 });
    const [apple = ""] = productIds;
    const owner = await signIn();
    const others: Record<string, string>[] = [
      {},
      { "X-Cart-Token": "x" },
      { "X-Cart-Token": (await givenCart()).token ?? "" },
    ];
    const strangers: Record<string, string>[] = [
      ...others,
      (await signIn()).headers,
      (await signIn("staff")).headers,
    ];
    for (const cart of [await givenCart({ [apple]: 1 }), await givenCart({ [apple]: 1 }, owner.headers)]) {
      for (const headers of strangers) {
        const theirs = { path: cart.path, headers };
        const answers = [
          await read(theirs),
          await putItem(theirs, apple, 2),
          await putItems(theirs, { items: [{ product_id: apple, quantity: 2 }] }),
          await removeItem(theirs, apple),
          await ask("POST", `${cart.path}/checkout`, {}, headers),
        ];
        expect(answers.map(refusalOf)).toEqual(answers.map(() => [404, "not_found"]));
      }
      expect((await read(cart)).body).toEqual(cart.cart);
    }
    // A guest's is open to its token whoever else one is; a user's own has no token to be guessed.
    const guests = await givenCart();
    expect((await read({ ...guests, headers: { ...owner.headers, ...guests.headers } })).status).toBe(200);
  });
});

describe("an item", () => {
  test("is put, changed and removed; each is a version", async () => {
    const { productIds, skus } = await givenCatalog({ products: 2 });
    const [apple = "", pear = ""] = productIds;
    const cart = await givenCart();
    const put = await putItem(cart, apple, 2);
    expect(put.body).toMatchObject({
      version: 2,
      items: [
        {
          product_id: apple,
          sku: skus[0],
          title: "Product 1",
          quantity: 2,
          unit_price: usd("19.99"),
          subtotal: usd("39.98"),
          available: 0,
        },
      ],
      totals: { subtotal: usd("39.98"), total: usd("39.98") },
      total_items: 2,
    });
    expect(put.body.items[0]).not.toHaveProperty("price_changed_from");
    await putItem(cart, pear, 1_000_000);
    expect((await putItem(cart, apple, 3)).body).toMatchObject({
      version: 4,
      items: [
        { product_id: apple, quantity: 3 },
        { product_id: pear, quantity: 1_000_000 },
      ],
    });
    expect((await putItem(cart, apple, 0)).body).toMatchObject({ version: 5, total_items: 1_000_000 });
    // What is not there need not be removed: that is no change.
    expect((await putItem(cart, apple, 0)).body).toMatchObject({ version: 5 });
    expect(refusalOf(await removeItem(cart, apple))).toEqual([404, "not_found"]);
    const removed = await removeItem(cart, pear);
    expect([removed.status, removed.body.items, removed.body.version]).toEqual([200, [], 6]);
    expect((await read(cart)).body).toEqual(removed.body);
  });

  test("needs a product that can be ordered, in the cart's one currency, and room", async () => {
    const { productIds } = await givenCatalog({ products: 101 });
    const [archived = "", foreign = "", ...rest] = productIds;
    await archive(archived);
    const cart = await givenCart({ [foreign]: 1 });
    await setPrice(foreign, 5, "EUR");
    const [apple = "", ...others] = rest;
    for (const productId of [archived, "prd_unknown", "'; --", "%F0%9F%92%A5"]) {
      expect(refusalOf(await putItem(cart, productId, 1))).toEqual([422, "unknown_product", "product_id"]);
      expect((await putItem(cart, productId, 0)).status).toBe(200);
    }
    const mixed = await putItem(cart, apple, 1);
    expect(refusalOf(mixed)).toEqual([422, "mixed_currencies", "product_id"]);
    expect(mixed.body.currencies).toEqual(["EUR", "USD"]);
    // Its own price in another currency is no hindrance to itself, nor to others once it is gone or archived.
    expect((await putItem(cart, foreign, 2)).status).toBe(200);
    await archive(foreign);
    for (const productId of [apple, ...others]) await putItem(cart, productId, 1);
    expect((await read(cart)).body.items).toHaveLength(100);
    const [more = ""] = (await givenCatalog({ products: 1 })).productIds;
    expect(refusalOf(await putItem(cart, more, 1))).toEqual([422, "too_many_items", "product_id"]);
    expect((await putItem(cart, apple, 7)).status).toBe(200);
    for (const quantity of [-1, 1.5, 1_000_001, "1", null, undefined]) {
      expect(refusalOf(await putItem(cart, apple, quantity))).toEqual([422, "invalid_body", "quantity"]);
    }
  });

  test("two at once both have their way; an If-Match lets one", async () => {
    const { productIds } = await givenCatalog({ products: 12 });
    const cart = await givenCart();
    await Promise.all(productIds.map((id) => putItem(cart, id, 1)));
    const { body, headers } = await read(cart);
    expect([body.items.length, body.version]).toEqual([12, 13]);
    const [apple = "", pear = ""] = productIds;
    const tag = { "If-Match": headers.get("ETag") ?? "" };
    const twins = await Promise.all([putItem(cart, apple, 5, tag), removeItem(cart, pear, tag)]);
    expect(twins.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect(refusalOf(await putItem(cart, apple, 6, { "If-Match": '"13"' }))).toEqual([412, "stale"]);
    expect((await putItem(cart, apple, 6, { "If-Match": '"1", "14"' })).body.version).toBe(15);
    expect((await removeItem(cart, apple, { "If-Match": "*" })).body.version).toBe(16);
  });
});

describe("several items in one call", () => {
  const list = (quantities: [productId: string | undefined, quantity: unknown][]) => ({
    items: quantities.map(([product_id, quantity]) => ({ product_id, quantity })),
  });
  const inside = ({ items }: { items: { product_id: string; quantity: number }[] }) =>
    items.map(({ product_id, quantity }) => [product_id, quantity]);

  test("are put, changed and removed together, which is one version; the others stay", async () => {
    const { productIds } = await givenCatalog({ products: 4 });
    const [apple = "", pear = "", plum = "", fig = ""] = productIds;
    const cart = await givenCart({ [apple]: 1, [pear]: 2 });
    const wanted = list([
      [plum, 3],
      [pear, 0],
      [fig, 4],
      [apple, 1_000_000],
    ]);
    const put = await putItems(cart, wanted);
    expect([put.status, put.body.version]).toEqual([200, 4]);
    expect(inside(put.body)).toEqual([
      [apple, 1_000_000],
      [plum, 3],
      [fig, 4],
    ]);
    const seen = await read(cart);
    expect([seen.body, seen.headers.get("ETag")]).toEqual([put.body, put.headers.get("ETag")]);
    // Again, and as a list alone: the same items, a version on.
    const again = await putItems(cart, wanted.items);
    expect([again.status, again.body.version, inside(again.body)]).toEqual([200, 5, inside(put.body)]);
    // What is not there need not be removed: that is no change.
    const nothing = await putItems(cart, list([[pear, 0]]));
    expect([nothing.status, nothing.body]).toEqual([200, again.body]);
    await setPrice(plum, 2500);
    const anew = await putItems(cart, list([[apple, 1]]));
    expect(anew.body.items[1]).toMatchObject({ product_id: plum, price_changed_from: usd("19.99") });
    const gone = await putItems(
      cart,
      list([
        [apple, 0],
        [plum, 0],
        [fig, 0],
      ]),
    );
    expect([gone.status, gone.body.items, gone.body.version]).toEqual([200, [], 7]);
  });

  test("are refused as a whole, by the place of each that cannot be put", async () => {
    const { productIds } = await givenCatalog({ products: 101 });
    const [apple = "", pear = "", foreign = "", archived = "", ...others] = productIds;
    await setPrice(foreign, 5, "EUR");
    await archive(archived);
    const cart = await givenCart({ [apple]: 1 });
    const before = await read(cart);
    const refused = async (quantities: [string | undefined, unknown][]) => {
      const answer = await putItems(cart, list(quantities));
      const fields = answer.body.errors.map(({ field }: { field: string }) => field);
      return [answer.status, answer.body.code, ...fields];
    };
    const cases: [quantities: [string | undefined, unknown][], refusal: unknown[]][] = [
      [
        [
          [pear, 1],
          [archived, 1],
          ["prd_unknown", 2],
          ["prd_gone", 0],
        ],
        [422, "unknown_product", "items.1.product_id", "items.2.product_id"],
      ],
      [
        [
          [apple, 2],
          [foreign, 1],
        ],
        [422, "mixed_currencies", "items.1.product_id"],
      ],
      [
        [
          [apple, 0],
          [pear, 1],
          [foreign, 1],
        ],
        [422, "mixed_currencies", "items.1.product_id", "items.2.product_id"],
      ],
      [
        [
          [pear, 1],
          [apple, 1],
          [pear, 2],
        ],
        [422, "invalid_body", "items.2.product_id"],
      ],
      [
        [
          [pear, 1],
          [apple, -1],
          [undefined, 1],
        ],
        [422, "invalid_body", "items.1.quantity", "items.2.product_id"],
      ],
      [[], [422, "invalid_body", "items"]],
      [[...others, pear, apple, foreign, archived].map((id) => [id, 1]), [422, "invalid_body", "items"]],
    ];
    for (const [quantities, refusal] of cases) expect(await refused(quantities)).toEqual(refusal);
    expect((await read(cart)).body).toEqual(before.body);

    // What goes out makes room, and takes its currency along.
    const full = [...others.slice(0, 97), pear].map((id): [string, number] => [id, 1]);
    expect((await putItems(cart, list(full))).body.items).toHaveLength(99);
    const [more = ""] = (await givenCatalog({ products: 1 })).productIds;
    const two: [string, number][] = [
      [apple, 5],
      [more, 1],
    ];
    expect((await putItems(cart, list(two))).body.items).toHaveLength(100);
    const [one = "", other = ""] = (await givenCatalog({ products: 2 })).productIds;
    const swap: [string, number][] = [
      [one, 1],
      [apple, 0],
      [other, 1],
    ];
    expect(await refused(swap)).toEqual([422, "too_many_items", "items.2.product_id"]);
    expect((await putItems(cart, list(swap.slice(0, 2)))).body.items).toHaveLength(100);
    const small = await givenCart({ [apple]: 1 });
    const exchanged = await putItems(
      small,
      list([
        [apple, 0],
        [foreign, 2],
      ]),
    );
    expect(inside(exchanged.body)).toEqual([[foreign, 2]]);
  });

  test("obey an If-Match as one change", async () => {
    const { productIds } = await givenCatalog({ products: 2 });
    const [apple = "", pear = ""] = productIds;
    const cart = await givenCart({ [apple]: 1 });
    const tag = { "If-Match": (await read(cart)).headers.get("ETag") ?? "" };
    const both = list([
      [apple, 2],
      [pear, 2],
    ]);
    const twins = await Promise.all([putItems(cart, both, tag), putItems(cart, both, tag)]);
    expect(twins.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect((await read(cart)).body.version).toBe(3);
  });
});

describe("what is shown", () => {
  test("is the price of now, and what it was when the item was put", async () => {
    const { productIds } = await givenCatalog({ products: 2 });
    const [apple = "", pear = ""] = productIds;
    const cart = await givenCart({ [apple]: 2, [pear]: 1 });
    await setPrice(apple, 2500);
    const { body } = await read(cart);
    expect(body.items).toMatchObject([
      { unit_price: usd("25.00"), price_changed_from: usd("19.99"), subtotal: usd("50.00") },
      { unit_price: usd("19.99") },
    ]);
    expect(body.items[1]).not.toHaveProperty("price_changed_from");
    expect(body.totals.total).toEqual(usd("69.99"));
    // Reading is no acknowledgement, putting is.
    expect((await read(cart)).body).toEqual(body);
    expect((await putItem(cart, apple, 2)).body.items[0]).not.toHaveProperty("price_changed_from");
    await setPrice(apple, 2500, "EUR");
    expect((await read(cart)).body).toMatchObject({
      items: [{ unit_price: { amount: "25.00", currency: "EUR" }, price_changed_from: usd("25.00") }, {}],
      totals: null,
    });
  });

  test("is what is free over all stores, and what is sold no more", async () => {
    const { productIds, storeIds } = await givenCatalog({ products: 2, stores: 3 });
    const [apple = "", pear = ""] = productIds;
    await project(apple, storeIds, [2, 0, 5]);
    await project(pear, storeIds, [9, 9, 9]);
    const cart = await givenCart({ [apple]: 1, [pear]: 4 });
    expect(cart.cart.items.map(({ available }) => available)).toEqual([7, 27]);
    await archive(pear);
    const { body } = await read(cart);
    expect(body.items).toMatchObject([{ available: 7 }, { available: 0, unavailable: true }]);
    expect(body.items[0]).not.toHaveProperty("unavailable");
    expect(body.totals.total).toEqual(usd("19.99"));
  });

  test("has no sum that cannot be counted exactly", async () => {
    const { productIds } = await givenCatalog({ products: 1, price: 999_999_999_999_999 });
    const [dear = ""] = productIds;
    const cart = await givenCart({ [dear]: 1_000_000 });
    expect(cart.cart).toMatchObject({ totals: null, items: [{ subtotal: null }] });
  });

  test("is not sent again while neither cart, price nor stock has changed", async () => {
    const { productIds, storeIds } = await givenCatalog({ products: 1, stores: 1 });
    const [apple = ""] = productIds;
    const cart = await givenCart({ [apple]: 1 });
    const tagOf = async () => {
      const { headers } = await read(cart);
      return headers.get("ETag") ?? "";
    };
    const had = await tagOf();
    expect(had).toMatch(/^"2\.[0-9a-f]{16}"$/);
    const again = await read(cart, { "If-None-Match": `W/${had}, "1"` });
    expect([again.status, again.text, again.headers.get("ETag")]).toEqual([304, "", had]);
    await setPrice(apple, 5);
    expect((await read(cart, { "If-None-Match": had })).status).toBe(200);
    const dearer = await tagOf();
    await project(apple, storeIds, [3]);
    expect((await read(cart, { "If-None-Match": dearer })).status).toBe(200);
    expect((await read(cart, { "If-None-Match": await tagOf() })).status).toBe(304);
    expect((await read(cart)).headers.get("Cache-Control")).toBe("no-store");
  });
});

test("a cart that an order has spent can be read, and not changed", async () => {
  const { productIds } = await givenShop([[5]]);
  const [apple = ""] = productIds;
  const cart = await givenCart({ [apple]: 1 });
  const order = await ask(
    "POST",
    `${cart.path}/checkout`,
    { customer: { name: "Ada", email: "ada@shop.example" }, payment_method: "invoice" },
    cart.headers,
  );
  const named = { id: order.body.id, reference: order.body.reference };
  expect((await read(cart)).body).toMatchObject({ order: named, version: 2 });
  const several = { items: [{ product_id: apple, quantity: 2 }] };
  for (const answer of [
    await putItem(cart, apple, 2),
    await putItems(cart, several),
    await removeItem(cart, apple),
  ]) {
    expect(refusalOf(answer)).toEqual([409, "cart_spent"]);
    expect(answer.body.order).toEqual(named);
  }
});
