import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { basket, givenShop, openStock, post } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { answerOf, askUnder, cancel, countOf, levels, order, read, refusalOf, tokenOf } from "./ask.ts";

const KEY = { "Idempotency-Key": "a-guest-key-0001" };
const underKey = (key: string) => ({ "Idempotency-Key": key });

/** One product with `units` of it, and an order of two. */
async function givenOrder(units = 10) {
  const { productIds, storeIds } = await givenShop([[units]]);
  const [product = ""] = productIds;
  return { product, store: storeIds[0] ?? "", body: basket({ [product]: 2 }) };
}

describe("the same key again", () => {
  test("twenty twins at once are one order, answered twenty times with the same bytes", async () => {
    const { product, body } = await givenOrder(3);
    const answers = await Promise.all(Array.from({ length: 20 }, () => order(body, KEY)));

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get("Idempotency-Replayed") === null)).toHaveLength(1);
    expect(await countOf("orders")).toBe(1);
    expect(await countOf("work")).toBe(1);
    expect(await levels(product)).toMatchObject({ on_hand: 3, reserved: 2 });

    const [first] = answers;
    if (!first) throw new Error("nobody was answered");
    expect((await read(`/orders/${first.body.id}`, tokenOf(first))).status).toBe(200);
    const later = await answerOf(post("/orders/", body, KEY));
    expect([later.status, later.text]).toEqual([201, first.text]);
    expect(later.headers.get("content-type")).toBe("application/json");
  });

  test("is told the same of a shortfall, though there is stock by now", async () => {
    const { product, store, body } = await givenOrder(1);
    const refused = await order(body, KEY);
    expect(refusalOf(refused)).toEqual([409, "insufficient_stock"]);
    await openStock(product, [{ store_id: `${store}x`, quantity: 5 }]);
    const again = await order(body, KEY);
    expect([again.status, again.text]).toEqual([409, refused.text]);
    expect(again.headers.get("content-type")).toBe("application/problem+json");
    expect(await countOf("orders")).toBe(1);
    expect((await order(body)).status).toBe(201);
  });

  test("does not revive an order that was cancelled since", async () => {
    const { product, body } = await givenOrder(2);
    const placed = await order(body, KEY);
    expect((await cancel(placed.body.id, tokenOf(placed))).status).toBe(200);
    const again = await order(body, KEY);
    expect([again.status, again.text]).toEqual([201, placed.text]);
    expect(await levels(product)).toMatchObject({ reserved: 0 });
  });

  test("after a refusal that held nothing, is a fresh try once the reason is gone", async () => {
    const { product, body } = await givenOrder();
    const archive = (active: number) =>
      env.DB.prepare("UPDATE products SET active = ?1 WHERE id = ?2").bind(active, product).run();
    await archive(0);
    expect(refusalOf(await order(body, KEY))).toEqual([422, "unknown_product", "items.0.product_id"]);
    // The key is its request's all the same.
    expect(refusalOf(await order({ ...body, notes: "x" }, KEY))).toEqual([
      422,
      "idempotency_key_reused",
      "Idempotency-Key",
    ]);
    await archive(1);
    const placed = await order(body, KEY);
    expect(placed.status).toBe(201);
    expect((await order(body, KEY)).text).toBe(placed.text);
    expect(await countOf("orders")).toBe(1);
  });
});

describe("another request under the key", () => {
  const REUSED = [422, "idempotency_key_reused", "Idempotency-Key"];

  test("another body, were it only a blank, is refused and holds nothing", async () => {
    const { product, body } = await givenOrder();
    await order(body, KEY);
    expect(refusalOf(await order(basket({ [product]: 3 }), KEY))).toEqual(REUSED);
    const spaced = await exports.default.fetch("http://shop.test/api/v1/orders", {
      method: "POST",
      headers: { "content-type": "application/json", ...KEY },
      body: JSON.stringify(body, null, 1),
    });
    expect(refusalOf(await answerOf(spaced))).toEqual(REUSED);
    expect(await levels(product)).toMatchObject({ reserved: 2 });
  });

  test("another path is refused, though its body is the same", async () => {
    const { product, body } = await givenOrder();
    const [first, second] = [await order(body), await order(body)];
    expect((await cancel(first.body.id, { ...tokenOf(first), ...KEY })).status).toBe(200);
    expect(refusalOf(await cancel(second.body.id, { ...tokenOf(second), ...KEY }))).toEqual(REUSED);
    expect(refusalOf(await order(body, KEY))).toEqual(REUSED);
    expect(await levels(product)).toMatchObject({ reserved: 2 });
  });

  test("of twins with different bodies one is placed", async () => {
    const { product, body } = await givenOrder();
    const bodies = Array.from({ length: 6 }, (_, index) => ({ ...body, notes: `${index}` }));
    const answers = await Promise.all(bodies.map((one) => order(one, KEY)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422, 422, 422, 422, 422]);
    expect(await levels(product)).toMatchObject({ reserved: 2 });
  });
});

describe("whose key it is", () => {
  test("users and guests may all use the same one", async () => {
    const { product, body } = await givenOrder();
    const [ada, bob] = [await signIn(), await signIn()];
    const key = underKey("the same for all");
    const spaceless = underKey("the-same-for-all");
    expect(refusalOf(await order(body, key))).toEqual([422, "invalid_idempotency_key", "Idempotency-Key"]);
    const answers = [
      await order(body, { ...ada.headers, ...spaceless }),
      await order(body, { ...bob.headers, ...spaceless }),
      await order(body, spaceless),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(3);
    expect(await levels(product)).toMatchObject({ reserved: 6 });
    for (const [index, who] of [ada, bob].entries()) {
      const again = await order(body, { ...who.headers, ...spaceless });
      expect(again.text).toBe(answers[index]?.text);
    }
  });

  test.each([
    ["", 422],
    ["15-characters-1", 422],
    ["16-characters-12", 201],
    ["~!@#$%^&*()_+{}|:<>?", 201],
    ["with a blank inside it", 422],
    ["caf\u00e9-0123456789abcdef", 422],
    ["x".repeat(255), 201],
    ["x".repeat(256), 422],
  ])("a guest's key %j: %i", async (key, status) => {
    const { product, body } = await givenOrder();
    const answer = await order(body, underKey(key));
    if (status === 201) expect(answer.status).toBe(201);
    else expect(refusalOf(answer)).toEqual([422, "invalid_idempotency_key", "Idempotency-Key"]);
    expect(await levels(product)).toMatchObject({ reserved: status === 201 ? 2 : 0 });
  });

  test("who is signed in may use a short one", async () => {
    const { body } = await givenOrder();
    const { headers } = await signIn();
    const placed = await order(body, { ...headers, ...underKey("1") });
    expect(placed.status).toBe(201);
    expect((await order(body, { ...headers, ...underKey("1") })).text).toBe(placed.text);
  });

  test("a request that could not be read leaves its key unused", async () => {
    const { body } = await givenOrder();
    expect((await order({ ...body, items: [] }, KEY)).status).toBe(422);
    expect((await askUnder({ GUEST_CHECKOUT: "false" }, "POST", "/orders", body, KEY)).status).toBe(401);
    expect(await countOf("idempotency")).toBe(0);
    expect((await order(body, KEY)).status).toBe(201);
  });
});
