import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { signResetToken } from "../../src/accounts/reset-token.ts";
import { signVerifyToken } from "../../src/accounts/verify-token.ts";
import { runOwed } from "../notifications/orders.ts";
import { testClock } from "../support/clock.ts";
import { ADA, ask, bearer, guestContext, registerAda, resetTokenOf } from "./ask.ts";

const verify = (token: string) => ask("POST", "/auth/verify-email", { token });
const isVerified = async (token: string) => (await ask("GET", "/me", undefined, bearer(token))).body;
const askAgain = (token: string) => ask("POST", "/me/verify-email", undefined, bearer(token));

/** Of a shop that has a URL, and of one that has none: the queue may have been first, which knows of none. */
const tokenIn = (text = "") => /(?:\/verify-email\?token=|type in is: )(\S+)\n/.exec(text)?.[1] ?? "";

test("the mail of a new account verifies its address, however often its link is opened", async () => {
  const { access_token } = await registerAda();
  expect(await isVerified(access_token)).toMatchObject({ email_verified: false });
  const [mail, ...more] = await runOwed({ SHOP_URL: "https://shop.example/" });
  expect([mail?.to_address, more]).toEqual([ADA.email, []]);
  for (let n = 0; n < 2; n++) expect((await verify(tokenIn(mail?.text))).status).toBe(204);
  expect(await isVerified(access_token)).toMatchObject({ email_verified: true });
});

test("it is sent again to whoever asks, one in five minutes, until the address is verified", async () => {
  const { user, access_token } = await registerAda();
  await runOwed();
  expect((await askAgain(access_token)).status).toBe(202);
  expect(await runOwed()).toHaveLength(1);
  testClock.advance(5 * 60_000);
  expect((await askAgain(access_token)).status).toBe(202);
  const mails = await runOwed({ SHOP_URL: "https://shop.example/" });
  expect(mails).toHaveLength(2);
  await verify((await signVerifyToken(guestContext(), { id: user.id, email: ADA.email })) ?? "");
  testClock.advance(5 * 60_000);
  expect((await askAgain(access_token)).status).toBe(202);
  expect(await runOwed()).toHaveLength(2);
});

test("a token is good for a week, for the address it was sent to, and for nothing else", async () => {
  const { user, access_token } = await registerAda();
  const token = (await signVerifyToken(guestContext(), { id: user.id, email: ADA.email })) ?? "";
  const hash = await env.DB.prepare("SELECT password_hash AS h FROM users").first<string>("h");
  const reset = await signResetToken(guestContext(), { id: user.id, passwordHash: hash ?? "" });
  for (const other of [reset ?? "", access_token, `${token}x`, "x"]) {
    expect((await verify(other)).body).toMatchObject({ code: "token_spent", errors: [{ field: "token" }] });
  }
  expect(
    (await ask("POST", "/auth/password-reset/confirm", { token, password: "difference engine" })).status,
  ).toBe(422);
  expect((await ask("GET", "/me", undefined, bearer(token))).status).toBe(401);
  const elsewhere = await signVerifyToken(guestContext(), { id: user.id, email: "eve@shop.example" });
  expect((await verify(elsewhere ?? "")).status).toBe(422);
  testClock.advance(7 * 86_400_000 + 1_000);
  expect((await verify(token)).status).toBe(422);
});

test("a password that was set by mail verifies the address too; a disabled account's is not", async () => {
  const { user } = await registerAda();
  const token = (await signVerifyToken(guestContext(), { id: user.id, email: ADA.email })) ?? "";
  const verified = () => env.DB.prepare("SELECT email_verified_at AS at FROM users").first("at");
  await env.DB.prepare("UPDATE users SET disabled_at = 1").run();
  expect((await verify(token)).status).toBe(422);
  await env.DB.prepare("UPDATE users SET disabled_at = NULL").run();
  expect(await verified()).toBeNull();
  const reset = { token: await resetTokenOf(ADA.email), password: "difference engine" };
  expect((await ask("POST", "/auth/password-reset/confirm", reset)).status).toBe(204);
  expect(await verified()).toBe(testClock.now());
});
