import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { restoreShop } from "../../src/cli/restore-shop.ts";
import { givenAdmin, quiet, saved } from "../chaos/shop-backup.ts";
import { refusalOf } from "../orders/ask.ts";
import { givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { ask, BUYER, checkout, givenCart, putItem, read } from "./shopping.ts";

test("carts come back as they were, spent or not", async () => {
  const [apple = "", pear = ""] = (await givenShop([[9], [9]])).productIds;
  const { api } = await givenAdmin();
  const user = await signIn();
  const open = await givenCart({ [apple]: 2, [pear]: 1 });
  const users = await givenCart({ [pear]: 3 }, user.headers);
  const spent = await givenCart({ [apple]: 1 });
  const order = (await checkout(spent)).body;

  const { backup } = await saved(api);
  const before = await Promise.all([open, users, spent].map(async (cart) => (await read(cart)).body));

  await putItem(open, apple, 7);
  await checkout(users, { payment_method: "invoice" });
  await ask("POST", `/orders/${order.id}/cancel`, {}, { "X-Order-Token": order.access_token });
  await env.DB.prepare("INSERT INTO cart_items VALUES ('crt_gone', 'prd_gone', 0, 1, 5, 'USD')").run();

  expect(await restoreShop(api, backup, quiet)).toMatchObject({ kind: "open" });
  const after = await Promise.all([open, users, spent].map(async (cart) => (await read(cart)).body));
  // The projection starts empty: what is free is told again by the objects.
  const unseen = (carts: { items: object[] }[]) =>
    carts.map((cart) => ({ ...cart, items: cart.items.map((item) => ({ ...item, available: null })) }));
  expect(unseen(after)).toEqual(unseen(before));
  expect(refusalOf(await checkout(spent, BUYER, { "Idempotency-Key": "a-guest-key-after-it" }))).toEqual([
    409,
    "cart_spent",
  ]);
  expect((await checkout(spent)).body.id).toBe(order.id);
  expect((await checkout(open)).status).toBe(201);
  expect(await env.DB.prepare("SELECT 1 FROM cart_items WHERE cart_id = 'crt_gone'").first()).toBe(null);
});
