import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { testClock } from "../support/clock.ts";
import { signIn } from "../support/sign-in.ts";
import { ADA, ask, bearer, NEW_ADA, registerAda } from "./ask.ts";

const GUARDED = [
  ["GET", "/me"],
  ["PATCH", "/me"],
  ["POST", "/me/password"],
  ["GET", "/me/sessions"],
  ["DELETE", "/me/sessions"],
  ["DELETE", "/me/sessions/ses_1"],
] as const;

test.each(GUARDED)("%s %s is for the signed in", async (method, path) => {
  const body = method === "PATCH" || method === "POST" ? {} : undefined;
  const guest = await ask(method, path, body);
  expect(guest.status).toBe(401);
  expect(guest.body).toMatchObject({ code: "unauthenticated" });
  expect(guest.headers.get("WWW-Authenticate")).toBe("Bearer");
  const forged = await ask(method, path, body, bearer("a.b.c"));
  expect(forged.status).toBe(401);
  expect(forged.body).toMatchObject({ code: "invalid_token" });
});

test("me is the account as it is now", async () => {
  const { id, email, headers } = await signIn("staff");
  const { status, body } = await ask("GET", "/me", undefined, headers);
  expect(status).toBe(200);
  const at = new Date(testClock.now()).toISOString();
  expect(body).toEqual({
    id,
    email,
    name: "The staff",
    role: "staff",
    disabled: false,
    trusted: false,
    payment_methods: null,
    email_verified: false,
    created_at: at,
    updated_at: at,
  });
});

test("a name can be changed, and nothing else", async () => {
  const { id, email, headers } = await signIn();
  testClock.advance(1_000);
  for (const more of [
    { role: "admin" },
    { email: "eve@shop.example" },
    { disabled: true },
    { id: "usr_2" },
  ]) {
    const refused = await ask("PATCH", "/me", { name: "Eve", ...more }, headers);
    expect([refused.status, refused.body.code]).toEqual([422, "unknown_field"]);
  }
  const { status, body } = await ask("PATCH", "/me", { name: " Ada " }, headers);
  expect(status).toBe(200);
  expect(body).toMatchObject({ id, email, name: "Ada", role: "customer", disabled: false });
  expect(body.updated_at).toBe(new Date(testClock.now()).toISOString());
  expect((await ask("PATCH", "/me", {}, headers)).body.name).toBe("Ada");
  for (const name of ["", " ", 7, null, "a\nb", "x".repeat(201)]) {
    const wrong = await ask("PATCH", "/me", { name }, headers);
    expect(wrong.status).toBe(422);
    expect(wrong.body.errors[0].field).toBe("name");
  }
  expect((await ask("GET", "/me", undefined, headers)).body.name).toBe("Ada");
});

test("a user disabled or gone since has no account, whatever the token says", async () => {
  const { id, headers } = await signIn();
  for (const sql of ["UPDATE users SET disabled_at = 1 WHERE id = ?", "DELETE FROM users WHERE id = ?"]) {
    await env.DB.prepare(sql).bind(id).run();
    const password = { current_password: "x", new_password: "a new password" };
    expect((await ask("GET", "/me", undefined, headers)).status).toBe(401);
    expect((await ask("PATCH", "/me", { name: "x" }, headers)).status).toBe(401);
    expect((await ask("POST", "/me/password", password, headers)).status).toBe(401);
  }
});

test("a new password ends all other sessions and the old password", async () => {
  const mine = await registerAda();
  const other = (await ask("POST", "/auth/token", ADA)).body;
  const stranger = (await ask("POST", "/auth/register", { ...NEW_ADA, email: "eve@shop.example" })).body;
  const change = { current_password: ADA.password, new_password: "difference engine" };
  const changed = await ask("POST", "/me/password", change, bearer(mine.access_token));
  expect(changed).toMatchObject({ status: 204, body: null });

  const renew = ({ refresh_token }: typeof mine) => ask("POST", "/auth/refresh", { refresh_token });
  expect((await renew(other)).status).toBe(401);
  expect((await renew(mine)).status).toBe(200);
  expect((await renew(stranger)).status).toBe(200);
  expect((await ask("POST", "/auth/token", ADA)).status).toBe(401);
  expect((await ask("POST", "/auth/token", { ...ADA, password: change.new_password })).status).toBe(200);
});

test("of two changes at once from two sessions one wins, and ends the other", async () => {
  const one = await registerAda();
  const two = (await ask("POST", "/auth/token", ADA)).body;
  const answers = await Promise.all(
    [one, two].map(async (session, n) => {
      const change = { current_password: ADA.password, new_password: `difference engine ${n}` };
      return { session, ...(await ask("POST", "/me/password", change, bearer(session.access_token))) };
    }),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 422]);
  for (const { session, status } of answers) {
    const renewed = await ask("POST", "/auth/refresh", { refresh_token: session.refresh_token });
    expect(renewed.status).toBe(status === 204 ? 200 : 401);
  }
});

test("a password is changed only by who knows it, and only to a good one", async () => {
  const { access_token, refresh_token } = await registerAda();
  const change = (given: unknown) => ask("POST", "/me/password", given, bearer(access_token));
  const wrong = await change({ current_password: "not this one", new_password: "difference engine" });
  expect(wrong.status).toBe(422);
  expect(wrong.body).toMatchObject({ code: "wrong_password", errors: [{ field: "current_password" }] });
  const short = await change({ current_password: ADA.password, new_password: "short" });
  expect(short.status).toBe(422);
  expect(short.body).toMatchObject({ code: "invalid_body", errors: [{ field: "new_password" }] });
  expect((await change({ new_password: "difference engine" })).status).toBe(422);
  expect((await ask("POST", "/auth/token", ADA)).status).toBe(200);
  expect((await ask("POST", "/auth/refresh", { refresh_token })).status).toBe(200);
});

test("sessions are listed, the newest first, and end together", async () => {
  const first = (await ask("POST", "/auth/register", NEW_ADA, { "User-Agent": "one" })).body;
  testClock.advance(1_000);
  await new Promise((resolve) => setTimeout(resolve, 2));
  const second = (await ask("POST", "/auth/token", ADA, { "User-Agent": "two" })).body;
  await signIn();
  const headers = bearer(first.access_token);

  const { status, body } = await ask("GET", "/me/sessions", undefined, headers);
  expect(status).toBe(200);
  expect(body).toMatchObject({ count: 2, page: 1, has_next: false });
  expect(body.results).toEqual([
    expect.objectContaining({ user_agent: "two", current: false }),
    expect.objectContaining({ user_agent: "one", current: true, id: expect.stringMatching(/^ses_/) }),
  ]);
  const page = (await ask("GET", "/me/sessions?page_size=1", undefined, headers)).body;
  const next = await ask("GET", `/me/sessions?page_size=1&cursor=${page.next_cursor}`, undefined, headers);
  expect(next.body.results).toEqual([body.results[1]]);
  expect((await ask("GET", "/me/sessions?cursor=x", undefined, headers)).status).toBe(400);

  await ask("POST", "/auth/logout", { refresh_token: second.refresh_token });
  expect((await ask("GET", "/me/sessions", undefined, headers)).body.count).toBe(1);
  expect((await ask("DELETE", "/me/sessions", undefined, headers)).status).toBe(204);
  expect((await ask("GET", "/me/sessions", undefined, headers)).status).toBe(401);
  const renewed = await ask("POST", "/auth/refresh", { refresh_token: first.refresh_token });
  expect(renewed.status).toBe(401);
});

test("one session ends, of one's own alone, and once", async () => {
  const mine = await registerAda();
  testClock.advance(1_000);
  const other = (await ask("POST", "/auth/token", ADA)).body;
  const eve = (await ask("POST", "/auth/register", { ...NEW_ADA, email: "eve@shop.example" })).body;
  const { results } = (await ask("GET", "/me/sessions", undefined, bearer(other.access_token))).body;
  // The newest first.
  const id = results[0].id;
  const end = async (token: string, of: string) =>
    (await ask("DELETE", `/me/sessions/${of}`, undefined, bearer(token))).status;
  const renew = async ({ refresh_token }: typeof mine) =>
    (await ask("POST", "/auth/refresh", { refresh_token })).status;

  expect(await end(eve.access_token, id)).toBe(404);
  expect(await end(mine.access_token, "ses_none")).toBe(404);
  expect(await end(mine.access_token, id)).toBe(204);
  expect(await end(mine.access_token, id)).toBe(404);
  expect(await renew(other)).toBe(401);
  expect([await renew(mine), await renew(eve)]).toEqual([200, 200]);
});
