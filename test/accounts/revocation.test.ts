import { beforeEach, describe, expect, test } from "vitest";
import { basket, givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import type { Wire } from "../support/wire.ts";
import { ADA, ask, bearer, NEW_ADA, registerAda } from "./ask.ts";

let productId: string;
beforeEach(async () => {
  [productId = ""] = (await givenShop([[9]])).productIds;
});

const ENDED = { status: 401, body: { code: "invalid_token" } };

describe("a token whose session has ended", () => {
  const order = () => basket({ [productId]: 1 });
  /** What a customer does with money or with their account. */
  const guarded = (): [string, string, unknown?][] => [
    ["GET", "/me"],
    ["PATCH", "/me", { name: "Eve" }],
    ["GET", "/me/sessions"],
    ["DELETE", "/me/sessions"],
    ["POST", "/me/password", { current_password: ADA.password, new_password: "difference engine" }],
    ["POST", "/orders", order()],
    ["POST", "/orders/bulk", { orders: [order()] }],
    ["POST", "/orders/ord_none/cancel"],
    ["POST", "/orders/ord_none/payments"],
    ["PATCH", "/orders/ord_none", { notes: "mine" }],
  ];

  async function expectEnded(token: string) {
    const seen = [];
    for (const [method, path, body] of guarded()) {
      const { status, headers, body: told } = await ask(method, path, body, bearer(token));
      seen.push(`${method} ${path}: ${status} ${told?.code} ${headers.get("WWW-Authenticate")}`);
    }
    expect(seen).toEqual(
      guarded().map(([method, path]) => `${method} ${path}: 401 invalid_token Bearer error="invalid_token"`),
    );
  }

  test("by signing out", async () => {
    const { access_token, refresh_token } = await registerAda();
    expect((await ask("GET", "/me", undefined, bearer(access_token))).status).toBe(200);
    await ask("POST", "/auth/logout", { refresh_token });
    await expectEnded(access_token);
  });

  test("by signing out everywhere, or there alone", async () => {
    const { access_token: one } = await registerAda();
    const { access_token: two } = (await ask("POST", "/auth/token", ADA)).body;
    const { results } = (await ask("GET", "/me/sessions", undefined, bearer(two))).body;
    const other = results.find((session: Wire) => !session.current);
    await ask("DELETE", `/me/sessions/${other?.id}`, undefined, bearer(two));
    await expectEnded(one);
    await ask("DELETE", "/me/sessions", undefined, bearer(two));
    await expectEnded(two);
  });

  test("by a new password elsewhere", async () => {
    const { access_token: old } = await registerAda();
    const { access_token: own } = (await ask("POST", "/auth/token", ADA)).body;
    const change = { current_password: ADA.password, new_password: "difference engine" };
    expect((await ask("POST", "/me/password", change, bearer(own))).status).toBe(204);
    await expectEnded(old);
    expect((await ask("GET", "/me", undefined, bearer(own))).status).toBe(200);
  });

  test("by a refresh token that came back", async () => {
    const { access_token, refresh_token } = await registerAda();
    const renewed = (await ask("POST", "/auth/refresh", { refresh_token })).body;
    await ask("POST", "/auth/refresh", { refresh_token });
    await expectEnded(access_token);
    await expectEnded(renewed.access_token);
  });

  test("by two parallel clients that renew with one refresh token", async () => {
    const { access_token, refresh_token } = await registerAda();
    const renew = () => ask("POST", "/auth/refresh", { refresh_token });
    const answers = await Promise.all([renew(), renew()]);
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners.length).toBeLessThan(2);
    await expectEnded(access_token);
    for (const { body } of winners) await expectEnded(body.access_token);
  });

  test("by being disabled", async () => {
    const { user, access_token } = await registerAda();
    const { headers } = await signIn("admin");
    await ask("PATCH", `/users/${user.id}`, { disabled: true }, headers);
    await expectEnded(access_token);
  });

  test("a cart is still filled, and what is one's own still read", async () => {
    const { access_token, refresh_token } = await registerAda();
    await ask("POST", "/auth/logout", { refresh_token });
    const headers = bearer(access_token);
    const cart = await ask("POST", "/carts", undefined, headers);
    expect(cart.status).toBe(201);
    const put = await ask("PUT", `/carts/${cart.body.id}/items/${productId}`, { quantity: 1 }, headers);
    expect(put.status).toBe(200);
    expect((await ask("GET", "/orders", undefined, headers)).status).toBe(200);
    // But it is not ordered.
    expect(await ask("POST", `/carts/${cart.body.id}/checkout`, {}, headers)).toMatchObject(ENDED);
    expect((await ask("GET", `/products/${productId}`)).body.stock.available).toBe(9);
  });
});

describe("of the shop's people", () => {
  test("whoever is disabled does nothing more, from the next call on", async () => {
    const [boss, eve] = [await signIn("admin"), await signIn("admin")];
    const calls: [string, string, unknown?][] = [
      ["GET", "/ops/backup"],
      ["GET", "/ops/backup/tables/users"],
      ["POST", "/ops/selling", { state: "restoring" }],
      ["POST", "/ops/backup/tables/users", { generation: 1, first: true, rows: [] }],
      ["POST", "/ops/backup/token"],
      ["GET", "/users"],
      ["PATCH", `/users/${boss.id}`, { role: "customer" }],
      ["GET", "/inventory"],
      ["GET", "/orders"],
      ["GET", "/products?active=false"],
      ["POST", "/categories", { name: "Eve's" }],
    ];
    await ask("PATCH", `/users/${eve.id}`, { disabled: true }, boss.headers);
    for (const [method, path, body] of calls) {
      expect(await ask(method, path, body, eve.headers)).toMatchObject(ENDED);
    }
    expect((await ask("GET", "/ops/selling", undefined, boss.headers)).body.state).toBe("open");
    expect((await ask("GET", "/users", undefined, boss.headers)).body.count).toBe(2);
  });

  test("whoever has another role renews the token, and is that", async () => {
    const boss = await signIn("admin");
    const { user, access_token, refresh_token } = await registerAda();
    const give = (role: string) => ask("PATCH", `/users/${user.id}`, { role }, boss.headers);
    await give("staff");
    expect(await ask("GET", "/me", undefined, bearer(access_token))).toMatchObject(ENDED);
    const staff = (await ask("POST", "/auth/refresh", { refresh_token })).body;
    expect((await ask("GET", "/inventory", undefined, bearer(staff.access_token))).status).toBe(200);
    await give("customer");
    expect(await ask("GET", "/inventory", undefined, bearer(staff.access_token))).toMatchObject(ENDED);
    const { access_token: last } = (
      await ask("POST", "/auth/refresh", { refresh_token: staff.refresh_token })
    ).body;
    expect((await ask("GET", "/inventory", undefined, bearer(last))).status).toBe(403);
  });

  test("another's session is not one's own", async () => {
    const [one, other] = [
      await registerAda(),
      await ask("POST", "/auth/register", { ...NEW_ADA, email: "b@b.test" }),
    ];
    await ask("POST", "/auth/logout", { refresh_token: one.refresh_token });
    expect((await ask("GET", "/me", undefined, bearer(other.body.access_token))).status).toBe(200);
    expect(await ask("GET", "/me", undefined, bearer(one.access_token))).toMatchObject(ENDED);
  });
});
