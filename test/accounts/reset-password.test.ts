import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { trySignIn } from "../../src/accounts/tries.ts";
import { runOwed } from "../notifications/orders.ts";
import { askUnder, refusalOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { ADA, ask, bearer, guestContext, NEW_ADA, registerAda, resetTokenOf } from "./ask.ts";

const PASSWORD = "difference engine";
const askForMail = (email = ADA.email) => ask("POST", "/auth/password-reset", { email });
const confirm = (token: string, password = PASSWORD) =>
  ask("POST", "/auth/password-reset/confirm", { token, password });
const statusOf = async (answer: Promise<{ status: number }>) => (await answer).status;
const signIn = (password: string) => statusOf(ask("POST", "/auth/token", { ...ADA, password }));
const resetMails = async (settings = {}) =>
  (await runOwed(settings)).filter(({ subject }) => subject === "A new password for your account");
const owedTasks = () => env.DB.prepare("SELECT count(*) AS n FROM work").first<number>("n");

test("the mail's link sets a new password once, and ends every session", async () => {
  const { refresh_token } = await registerAda();
  await env.DB.prepare("DELETE FROM work").run();
  expect(await askForMail(" ADA@shop.example ")).toMatchObject({ status: 202, body: null });
  const [mail] = await resetMails({ SHOP_URL: "https://shop.example/" });
  expect(mail).toMatchObject({ to_address: ADA.email, subject: "A new password for your account" });
  const token = /Set a new password: https:\/\/shop\.example\/reset-password\?token=(\S+)\n/.exec(
    mail?.text ?? "",
  )?.[1];

  expect(await confirm(token ?? "")).toMatchObject({ status: 204, body: null });
  expect(await signIn(ADA.password)).toBe(401);
  expect(await signIn(PASSWORD)).toBe(200);
  expect(await statusOf(ask("POST", "/auth/refresh", { refresh_token }))).toBe(401);
  const again = await confirm(token ?? "", "another engine");
  expect(again.body).toMatchObject({ status: 422, code: "token_spent", errors: [{ field: "token" }] });
  expect(await signIn(PASSWORD)).toBe(200);
});

test("a shop without a URL has the token in its mail, to type in", async () => {
  await registerAda();
  await env.DB.prepare("DELETE FROM work").run();
  await askForMail();
  const [mail] = await resetMails();
  const token = /The code to type in is: (\S+)\n/.exec(mail?.text ?? "")?.[1];
  expect(mail?.text).not.toContain("http");
  expect(await statusOf(confirm(token ?? ""))).toBe(204);
});

test("nobody learns whether there is an account: the answers are the same, and as much is owed", async () => {
  const { user } = await registerAda();
  await ask("POST", "/auth/register", { ...NEW_ADA, email: "eve@shop.example" });
  await env.DB.prepare("UPDATE users SET disabled_at = 1 WHERE id <> ?").bind(user.id).run();
  await env.DB.prepare("DELETE FROM work").run();
  const answers: unknown[] = [];
  for (const email of [ADA.email, "eve@shop.example", "nobody@shop.example"]) {
    const { status, headers, body } = await askUnder(
      { LOOKUPS_PER_MINUTE: "0" },
      "POST",
      "/auth/password-reset",
      { email },
    );
    answers.push({ status, body, named: [...headers].filter(([name]) => name !== "x-request-id") });
  }
  expect(answers).toEqual(answers.map(() => answers[0]));
  expect(answers[0]).toMatchObject({ status: 202 });
  expect(await owedTasks()).toBe(3);
  expect((await resetMails()).map(({ to_address }) => to_address)).toEqual([ADA.email]);
});

test("a mailbox gets one mail in five minutes, and is limited as its address is", async () => {
  testClock.advance(300_000 - (testClock.now() % 300_000));
  await registerAda();
  await env.DB.prepare("DELETE FROM work").run();
  const settings = { LOOKUPS_PER_MINUTE: "2" };
  const asked = (email: string, from: string) =>
    askUnder(settings, "POST", "/auth/password-reset", { email }, { "CF-Connecting-IP": from });
  expect((await asked(ADA.email, "192.0.2.1")).status).toBe(202);
  expect((await asked(ADA.email, "192.0.2.2")).status).toBe(202);
  expect(refusalOf(await asked(ADA.email, "192.0.2.3"))).toEqual([429, "rate_limited"]);
  expect(await owedTasks()).toBe(1);
  testClock.advance(300_000);
  expect((await asked(ADA.email, "192.0.2.2")).status).toBe(202);
  expect(await owedTasks()).toBe(2);
});

test.each<[string, (given: { token: string; id: string }) => Promise<string>]>([
  [
    "an hour is over",
    async ({ token }) => {
      testClock.advance(60 * 60_000 + 1_000);
      return token;
    },
  ],
  [
    "the password was changed",
    async ({ token }) => {
      const signedIn = (await ask("POST", "/auth/token", ADA)).body;
      const change = { current_password: ADA.password, new_password: "third engine" };
      expect(await statusOf(ask("POST", "/me/password", change, bearer(signedIn.access_token)))).toBe(204);
      return token;
    },
  ],
  [
    "the account is disabled",
    async ({ token, id }) => {
      await env.DB.prepare("UPDATE users SET disabled_at = 1 WHERE id = ?").bind(id).run();
      return token;
    },
  ],
  [
    "the account is gone",
    async ({ token, id }) => {
      await env.DB.prepare("DELETE FROM users WHERE id = ?").bind(id).run();
      return token;
    },
  ],
  ["it is an access token", async () => (await ask("POST", "/auth/token", ADA)).body.access_token],
  ["somebody wrote it", async ({ token }) => `${token.slice(0, -4)}AAAA`],
])("a token sets nothing when %s", async (_, spoil) => {
  const { user } = await registerAda();
  const token = await spoil({ token: await resetTokenOf(ADA.email), id: user.id });
  expect((await confirm(token)).body).toMatchObject({ status: 422, code: "token_spent" });
});

test("it is no access token either", async () => {
  await registerAda();
  expect(await statusOf(ask("GET", "/me", undefined, bearer(await resetTokenOf(ADA.email))))).toBe(401);
});

test("a refused password leaves the token as it was", async () => {
  await registerAda();
  const token = await resetTokenOf(ADA.email);
  const common = await confirm(token, "password123");
  expect(common.body).toMatchObject({
    status: 422,
    code: "common_password",
    errors: [{ field: "password" }],
  });
  expect(await statusOf(confirm(token))).toBe(204);
});

test("of two at once with one token one wins", async () => {
  await registerAda();
  const token = await resetTokenOf(ADA.email);
  const passwords = ["first new engine", "second new engine"];
  const statuses = await Promise.all(passwords.map((password) => statusOf(confirm(token, password))));
  expect([...statuses].sort()).toEqual([204, 422]);
  const signedIn = await Promise.all(passwords.map(signIn));
  expect(signedIn).toEqual(statuses.map((status) => (status === 204 ? 200 : 401)));
});

test("whoever set a password by mail is no stranger, so strangers' tries do not make them wait", async () => {
  await registerAda();
  const token = await resetTokenOf(ADA.email);
  const from = (address: string) => trySignIn({ ...guestContext(), address }, ADA.email);
  for (let n = 0; n < 20; n++) expect((await from(`203.0.113.${n}`)).kind).toBe("go_on");
  const HOME = "198.51.100.7";
  expect((await from(HOME)).kind).toBe("limited");
  const given = { token, password: PASSWORD };
  await askUnder({}, "POST", "/auth/password-reset/confirm", given, { "CF-Connecting-IP": HOME });
  expect((await from(HOME)).kind).toBe("go_on");
  expect((await from("198.51.100.8")).kind).toBe("limited");
});
