import { env } from "cloudflare:workers";
import { exportJWK, generateKeyPair } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { ask as askCart, givenCart } from "../carts/shopping.ts";
import { type Answer, answerOf, askUnder, countOf, order, read, refusalOf, tokenOf } from "../orders/ask.ts";
import { basket, givenShop, post } from "../support/shop.ts";

const KEY = "a-guest-key-0001";
const UNDER_KEY = { "Idempotency-Key": KEY };

let apple: string;
beforeEach(async () => {
  const { productIds } = await givenShop([[9]]);
  apple = productIds[0] ?? "";
});

/** All rows of all tables, as one text. */
async function allThatIsStored(): Promise<string> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '_cf%' AND name NOT LIKE '%_index%'",
  ).all<{ name: string }>();
  const tables = await Promise.all(
    results.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`).all()),
  );
  return JSON.stringify(tables.map((table) => table.results));
}

const tokenIn = (answer: Answer): string => tokenOf(answer)["X-Order-Token"];

const ORDERS: [string, () => Promise<Answer>][] = [
  ["an order under a key", () => order(basket({ [apple]: 1 }), UNDER_KEY)],
  ["one without a key", () => order(basket({ [apple]: 1 }))],
  ["one that was refused", () => order(basket({ [apple]: 99 }), UNDER_KEY)],
  [
    "a checkout",
    async () => {
      const cart = await givenCart({ [apple]: 1 });
      const { items: _, ...body } = basket({});
      return askCart("POST", `${cart.path}/checkout`, body, cart.headers);
    },
  ],
];

describe("what the database holds shows no guest's order", () => {
  test.each(ORDERS)("%s", async (_name, place) => {
    const answer = await place();
    expect(tokenIn(answer)).toMatch(/^[\w-]{43}$/);
    const stored = await allThatIsStored();
    expect(stored).toContain(answer.body.id ?? answer.body.order.id);
    expect(stored).not.toContain(tokenIn(answer));
    expect(stored).not.toContain(KEY); // by which the token would be answered again
  });

  test("each order of a bulk, also when it is sent again", async () => {
    const body = { orders: [basket({ [apple]: 1 }), basket({ [apple]: 2 })] };
    const first = await answerOf(post("/orders/bulk", body, UNDER_KEY));
    const tokens: string[] = first.body.results.map((result: Answer["body"]) => result.order.access_token);
    const stored = await allThatIsStored();
    expect(tokens).toEqual([expect.stringMatching(/^[\w-]{43}$/), expect.stringMatching(/^[\w-]{43}$/)]);
    expect(tokens.filter((token) => stored.includes(token))).toEqual([]);
    const again = await answerOf(post("/orders/bulk", body, UNDER_KEY));
    expect(again.text).toBe(first.text);
  });

  test("a cart's token", async () => {
    const { token } = await givenCart({ [apple]: 1 });
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(await allThatIsStored()).not.toContain(token);
  });

  test("what is stored of a key is no key", async () => {
    const placed = await order(basket({ [apple]: 1 }), UNDER_KEY);
    const stored = await env.DB.prepare("SELECT key FROM idempotency").first<string>("key");
    const hash = stored?.replace(/[^\x21-\x7e]/g, "") ?? "";
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const other = await order(basket({ [apple]: 1 }), { "Idempotency-Key": hash });
    expect(other.body.id).not.toBe(placed.body.id);
  });
});

describe("sent again", () => {
  test.each([
    ["an order", 1, 201],
    ["a refusal", 99, 409],
  ])("%s is answered with the same token, byte for byte", async (_name, units, status) => {
    const body = basket({ [apple]: units }, { metadata: { access_token: "sealed.AAAA", sealed: "a" } });
    const first = await order(body, UNDER_KEY);
    const again = await order(body, UNDER_KEY);
    expect([again.status, again.text]).toEqual([status, first.text]);
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect((await read(`/orders/${first.body.id ?? first.body.order.id}`, tokenOf(again))).status).toBe(200);
  });

  test("nobody has another's token opened by naming it in an order of theirs", async () => {
    const theirs = await order(basket({ [apple]: 1 }), UNDER_KEY);
    const body = await env.DB.prepare("SELECT body FROM idempotency").first<string>("body");
    const { access_token } = JSON.parse(body ?? "");
    expect(access_token).toMatch(/^sealed\./);
    const mine = basket({ [apple]: 1 }, { metadata: { a: 1, access_token } });
    const under = { "Idempotency-Key": "another-guest-key" };
    const first = await order(mine, under);
    const again = await order(mine, under);
    expect(again.text).toBe(first.text);
    expect(again.text).not.toContain(tokenIn(theirs));
    expect(JSON.parse(again.text).metadata.access_token).toBe(access_token);
  });

  const newKey = async () => {
    const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
    return exportJWK(privateKey);
  };

  test("while the signing key is replaced, the token is still there; once the old one is gone, only the order is", async () => {
    const body = basket({ [apple]: 1 });
    const [old, next] = [await newKey(), await newKey()];
    const under = (keys: unknown) =>
      askUnder({ JWT_PRIVATE_KEY: JSON.stringify(keys) }, "POST", "/orders", body, UNDER_KEY);
    const first = await under(old);
    expect(tokenIn(first)).toMatch(/^[\w-]{43}$/);
    expect((await under([next, old])).text).toBe(first.text);
    const { access_token: _, ...rest } = first.body;
    expect((await under(next)).body).toEqual(rest);
    expect(await countOf("orders")).toBe(1);
  });

  test("a key that the version before stored as it was sent is found", async () => {
    const body = basket({ [apple]: 1 });
    const first = await order(body, UNDER_KEY);
    await env.DB.prepare("UPDATE idempotency SET key = ?1, body = ?2").bind(KEY, first.text).run();
    expect((await order(body, UNDER_KEY)).text).toBe(first.text);
    expect(refusalOf(await order(basket({ [apple]: 2 }), UNDER_KEY))[1]).toBe("idempotency_key_reused");
    expect(await countOf("orders")).toBe(1);
  });
});
