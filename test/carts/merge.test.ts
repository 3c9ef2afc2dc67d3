import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { sweep } from "../chaos/stage.ts";
import { askUnder, refusalOf } from "../orders/ask.ts";
import { givenCatalog } from "../support/catalog.ts";
import { testClock } from "../support/clock.ts";
import { givenShop } from "../support/shop.ts";
import { ask, BUYER, BY_CARD, checkout, type GivenCart, givenCart, putItem, read, rows } from "./shopping.ts";

const ADA = { email: "ada@shop.example", password: "analytical engine" };
const NEW_ADA = { ...ADA, name: "Ada" };

let apple: string;
let pear: string;
let fig: string;
let ada: Record<string, string>;
beforeEach(async () => {
  [apple = "", pear = "", fig = ""] = (await givenShop([[9], [9], [9]])).productIds;
  ada = bearer((await ask("POST", "/auth/register", NEW_ADA)).body);
});

const bearer = ({ access_token }: { access_token: string }) => ({ Authorization: `Bearer ${access_token}` });

const signInWith = (token: string | undefined) =>
  ask("POST", "/auth/token", ADA, token === undefined ? {} : { "X-Cart-Token": token });

const quantities = async (cart: Pick<GivenCart, "path" | "headers">) =>
  Object.fromEntries(
    (await read(cart)).body.items.map((item: { product_id: string; quantity: number }) => [
      item.product_id,
      item.quantity,
    ]),
  );

const open = (id: string) => ({ path: `/carts/${id}`, headers: ada });

test("a guest who registers keeps the cart, under its id; its token opens it no more", async () => {
  const guests = await givenCart({ [apple]: 2 });
  const bob = { ...NEW_ADA, email: "bob@shop.example" };
  const registered = await ask("POST", "/auth/register", bob, guests.headers);
  expect(registered).toMatchObject({ status: 201, body: { cart_id: guests.id } });
  expect((await read(guests)).status).toBe(404);
  const theirs = { path: guests.path, headers: bearer(registered.body) };
  expect(await quantities(theirs)).toEqual({ [apple]: 2 });
  expect((await putItem(theirs, pear, 1)).status).toBe(200);
});

test("a guest who signs in without a cart of their own keeps it too; without a token none is told of", async () => {
  const guests = await givenCart({ [apple]: 2 });
  expect((await signInWith(undefined)).body).not.toHaveProperty("cart_id");
  expect((await signInWith(guests.token)).body.cart_id).toBe(guests.id);
  expect(await quantities(open(guests.id))).toEqual({ [apple]: 2 });
});

test("what both have is added up, to the largest that is allowed, and comes after what was there", async () => {
  const users = await givenCart({ [pear]: 1, [apple]: 999_999 }, ada);
  const guests = await givenCart({ [fig]: 3, [apple]: 5 });
  expect((await signInWith(guests.token)).body.cart_id).toBe(users.id);
  const { body } = await read(users);
  expect(
    body.items.map(({ product_id, quantity }: Record<string, unknown>) => [product_id, quantity]),
  ).toEqual([
    [pear, 1],
    [apple, 1_000_000],
    [fig, 3],
  ]);
  expect(body.version).toBe(4);
  expect((await read(guests)).status).toBe(404);
});

test("twins and repeats add it once, and are told the same cart", async () => {
  const users = await givenCart({ [apple]: 1 }, ada);
  const guests = await givenCart({ [apple]: 2 });
  const twins = await Promise.all([1, 2, 3].map(() => signInWith(guests.token)));
  const again = await signInWith(guests.token);
  expect([...twins, again].map(({ body }) => body.cart_id)).toEqual([1, 2, 3, 4].map(() => users.id));
  expect(await quantities(users)).toEqual({ [apple]: 3 });

  const adopted = await givenCart({ [pear]: 1 });
  await checkout(users);
  const repeats = await Promise.all([1, 2].map(() => signInWith(adopted.token)));
  expect(repeats.map(({ body }) => body.cart_id)).toEqual([adopted.id, adopted.id]);
  expect(await quantities(open(adopted.id))).toEqual({ [pear]: 1 });
});

test("it goes into the newest open cart of the user", async () => {
  const [older, newer, spent] = [
    await givenCart({}, ada),
    await givenCart({}, ada),
    await givenCart({ [apple]: 1 }, ada),
  ];
  for (const [index, { id }] of [older, newer, spent].entries()) {
    await env.DB.prepare("UPDATE carts SET created_at = ?2 WHERE id = ?1").bind(id, index).run();
  }
  await checkout(spent);
  const guests = await givenCart({ [apple]: 1 });
  expect((await signInWith(guests.token)).body.cart_id).toBe(newer.id);
});

test("a token that is wrong, another's or spent is ignored, and the sign-in goes on", async () => {
  const spent = await givenCart({ [apple]: 1 });
  await checkout(spent);
  const bobs = await givenCart({ [pear]: 1 });
  const bob = { ...NEW_ADA, email: "bob@shop.example" };
  await ask("POST", "/auth/register", bob, bobs.headers);
  const before = await rows("SELECT * FROM carts ORDER BY id");
  for (const token of ["wrong", "'; --", spent.token, bobs.token, "x".repeat(5_000)]) {
    const signedIn = await signInWith(token);
    expect(signedIn.status).toBe(200);
    expect(signedIn.body).not.toHaveProperty("cart_id");
  }
  expect(await rows("SELECT * FROM carts ORDER BY id")).toEqual(before);
  // Nor does a sign-in that fails bring anything about.
  const guests = await givenCart({ [apple]: 1 });
  const wrong = { ...ADA, password: "a wrong password" };
  expect((await ask("POST", "/auth/token", wrong, guests.headers)).status).toBe(401);
  expect((await ask("POST", "/auth/register", NEW_ADA, guests.headers)).status).toBe(409);
  expect((await read(guests)).status).toBe(200);
});

test("a sign-in does not fail for a merge that does: the token is good for the next", async () => {
  const guests = await givenCart({ [apple]: 1 });
  const DB = new Proxy(env.DB, {
    get: (db, name) => {
      if (name === "prepare") {
        return (sql: string) => {
          if (sql.includes("merged_into")) throw new Error("planted");
          return db.prepare(sql);
        };
      }
      const value = Reflect.get(db, name);
      return typeof value === "function" ? value.bind(db) : value;
    },
  });
  const broken = await askUnder({ DB }, "POST", "/auth/token", ADA, guests.headers);
  expect(broken.status).toBe(200);
  expect(broken.body).not.toHaveProperty("cart_id");
  expect((await signInWith(guests.token)).body.cart_id).toBe(guests.id);
});

test("past a hundred products the guest's last ones are dropped", async () => {
  const { productIds } = await givenCatalog({ products: 104 });
  const fill = (cartId: string, ids: string[]) =>
    env.DB.prepare(`INSERT INTO cart_items SELECT ?1, value, key, 1, 5, 'USD' FROM json_each(?2)`).bind(
      cartId,
      JSON.stringify(ids),
    );
  const users = await givenCart({}, ada);
  const guests = await givenCart();
  await env.DB.batch([fill(users.id, productIds.slice(0, 98)), fill(guests.id, productIds.slice(95))]);
  await signInWith(guests.token);
  const { body } = await read(users);
  expect(body.items.map(({ product_id }: { product_id: string }) => product_id)).toEqual(
    productIds.slice(0, 100),
  );
  expect(body.items.filter(({ quantity }: { quantity: number }) => quantity === 2)).toHaveLength(3);
});

test("two currencies that come together are told: the user takes one out, and orders the other", async () => {
  const users = await givenCart({ [apple]: 5 }, ada);
  const guests = await givenCart({ [pear]: 1 });
  await env.DB.prepare("UPDATE products SET currency = 'EUR' WHERE id = ?1").bind(pear).run();
  await signInWith(guests.token);
  expect((await read(users)).body).toMatchObject({ totals: null, items: [{}, {}] });
  expect(refusalOf(await checkout(users))).toEqual([422, "mixed_currencies", "items"]);
  // What is there can be changed; what is not there must not make it worse.
  expect((await putItem(users, apple, 2)).status).toBe(200);
  expect((await putItem(users, pear, 2)).status).toBe(200);
  expect(refusalOf(await putItem(users, fig, 1))).toEqual([422, "mixed_currencies", "product_id"]);
  expect((await putItem(users, pear, 0)).body.totals.total).toEqual({ amount: "39.98", currency: "USD" });
  expect((await checkout(users)).status).toBe(201);
});

test("a checkout that a merge overtakes starts again: nothing is ordered twice, nothing lost", async () => {
  const users = await givenCart({ [apple]: 1 }, ada);
  const guests = await givenCart({ [pear]: 1 });
  const results = await Promise.all([
    ...[1, 2, 3].map(() => checkout(guests, BUYER)),
    ...[1, 2, 3].map(() => signInWith(guests.token)),
    ...[1, 2, 3].map(() => checkout(users, BUYER)),
  ]);
  const ordered = await rows<{ pears: number }>(
    `SELECT coalesce(sum(i.quantity), 0) AS pears FROM order_items AS i JOIN orders AS o ON o.id = i.order_id
     WHERE i.product_id = ?1 AND o.status = 'confirmed'`,
    pear,
  );
  const kept = (await read(users)).body.items.some(
    (item: { product_id: string }) => item.product_id === pear,
  );
  const adopted = (await read(open(guests.id))).body.items?.length === 1;
  expect(ordered[0]?.pears).toBeLessThanOrEqual(1);
  expect((ordered[0]?.pears ?? 0) + Number(kept || adopted)).toBeGreaterThanOrEqual(1);
  for (const { status, body } of results) {
    if (status >= 400) expect(["cart_changed", "cart_spent", "not_found"]).toContain(body.code);
  }
});

test("the guest's dead orders come to name the cart that took theirs", async () => {
  const users = await givenCart({ [apple]: 1 }, ada);
  const guests = await givenCart({ [pear]: 1 });
  const first = await checkout(guests, BY_CARD);
  testClock.advance(31 * 60_000);
  await sweep();
  ada = bearer((await signInWith(guests.token)).body);
  const [order] = await rows("SELECT cart_id FROM orders WHERE id = ?1", first.body.id);
  expect(order?.cart_id).toBe(users.id);
  expect(refusalOf(await read(guests))).toEqual([404, "not_found"]);
});
