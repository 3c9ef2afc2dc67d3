import { env } from "cloudflare:workers";
import { Buffer } from "node:buffer";
import { scryptSync } from "node:crypto";
import { expect, test, vi } from "vitest";
import { hashPassword, NO_ACCOUNT_HASH, verifyPassword } from "../../src/accounts/password.ts";
import { signIn } from "../../src/accounts/sign-in.ts";
import type { Wire } from "../support/wire.ts";
import { ADA, ask, bearer, guestContext, registerAda } from "./ask.ts";

const withoutId = ({ request_id: _, ...rest }: Wire) => rest;

test("a password gives tokens, however the address is written", async () => {
  const { user } = await registerAda();
  for (const email of [ADA.email, " ADA@shop.EXAMPLE "]) {
    const { status, headers, body } = await ask("POST", "/auth/token", { ...ADA, email });
    expect(status).toBe(200);
    expect(body).toMatchObject({ user, token_type: "Bearer", expires_in: 900 });
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect((await ask("GET", "/me", undefined, bearer(body.access_token))).status).toBe(200);
  }
});

test("an unknown account, a wrong password and a disabled account look and read the same", async () => {
  const { user } = await registerAda();
  const unknown = await ask("POST", "/auth/token", { ...ADA, email: "nobody@shop.example" });
  const wrong = await ask("POST", "/auth/token", { ...ADA, password: "analytical engines" });
  await env.DB.prepare("UPDATE users SET disabled_at = 1 WHERE id = ?").bind(user.id).run();
  const disabled = await ask("POST", "/auth/token", ADA);

  expect(unknown.status).toBe(401);
  expect(unknown.body).toMatchObject({ code: "invalid_credentials" });
  expect(unknown.headers.get("WWW-Authenticate")).toBe("Bearer");
  for (const other of [wrong, disabled]) {
    expect(other.status).toBe(401);
    expect(withoutId(other.body)).toEqual(withoutId(unknown.body));
  }
});

test("an unknown account, a wrong password and a disabled account cost one scrypt each, of one price", async () => {
  const { user } = await registerAda();
  const verify = vi.fn(verifyPassword);
  await signIn(guestContext(), { ...ADA, email: "nobody@shop.example" }, undefined, verify);
  await signIn(guestContext(), { ...ADA, password: "analytical engines" }, undefined, verify);
  await env.DB.prepare("UPDATE users SET disabled_at = 1 WHERE id = ?").bind(user.id).run();
  await signIn(guestContext(), ADA, undefined, verify);

  const prices = verify.mock.calls.map(([, stored]) => stored.split("$").slice(0, 4).join("$"));
  expect(prices).toEqual(["scrypt$16384$8$5", "scrypt$16384$8$5", "scrypt$16384$8$5"]);
});

test("a hash of an earlier price is made anew by the right password alone", async () => {
  const { user } = await registerAda();
  const stored = () => env.DB.prepare("SELECT password_hash FROM users").first<string>("password_hash");
  const salt = Buffer.alloc(16);
  const hash = scryptSync(ADA.password, salt, 32, { N: 16_384, r: 8, p: 1 });
  const old = `scrypt$16384$8$1$${salt.toString("base64url")}$${hash.toString("base64url")}`;
  await env.DB.prepare("UPDATE users SET password_hash = ? WHERE id = ?").bind(old, user.id).run();

  await signIn(guestContext(), { ...ADA, password: "analytical engines" }, undefined);
  expect(await stored()).toBe(old);
  expect(await signIn(guestContext(), ADA, undefined)).toMatchObject({ kind: "signed_in" });
  const anew = await stored();
  expect(anew).toMatch(/^scrypt\$16384\$8\$5\$/);
  expect(await signIn(guestContext(), ADA, undefined)).toMatchObject({ kind: "signed_in" });
  expect(await stored()).toBe(anew);
});

test("a password that was changed while it was verified begins no session", async () => {
  const { user } = await registerAda();
  const verifyThenChange = async (password: string, stored: string) => {
    const matches = await verifyPassword(password, stored);
    await env.DB.prepare("UPDATE users SET password_hash = 'other' WHERE id = ?").bind(user.id).run();
    return matches;
  };
  const outcome = await signIn(guestContext(), ADA, undefined, verifyThenChange);
  expect(outcome).toEqual({ kind: "invalid_credentials" });
  const counts = await env.DB.prepare("SELECT count(*) AS n FROM sessions").first("n");
  expect(counts).toBe(1);
});

test("no password fits where there is no account", async () => {
  expect(await verifyPassword("", NO_ACCOUNT_HASH)).toBe(false);
  expect(NO_ACCOUNT_HASH.split("$").map((part) => part.length)).toEqual(
    (await hashPassword("any password")).split("$").map((part) => part.length),
  );
});

test.each([
  ["email", { password: ADA.password }],
  ["email", { ...ADA, email: ["ada@shop.example"] }],
  ["password", { email: ADA.email }],
  ["password", { email: ADA.email, password: { $ne: "" } }],
])("a wrong %s is a 422 that names it (%#)", async (field, given) => {
  const { status, body } = await ask("POST", "/auth/token", given);
  expect(status).toBe(422);
  expect(body.errors[0].field).toBe(field);
});

test("an expired access token does not stand in the way of signing in or renewing", async () => {
  const { refresh_token } = await registerAda();
  const stale = bearer("a.b.c");
  expect((await ask("POST", "/auth/token", ADA, stale)).status).toBe(200);
  expect((await ask("POST", "/auth/refresh", { refresh_token }, stale)).status).toBe(200);
});
