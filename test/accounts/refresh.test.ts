import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { testClock } from "../support/clock.ts";
import { ADA, ask, bearer, registerAda } from "./ask.ts";

const DAY = 24 * 60 * 60 * 1000;
const refresh = (refresh_token: string) => ask("POST", "/auth/refresh", { refresh_token });

async function expectRefused(refreshToken: string) {
  const { status, body, headers } = await refresh(refreshToken);
  expect(status).toBe(401);
  expect(body).toMatchObject({ code: "invalid_refresh_token" });
  expect(headers.get("WWW-Authenticate")).toBe("Bearer");
}

test("each renewal gives a new pair that works", async () => {
  const first = await registerAda();
  const second = await refresh(first.refresh_token);
  expect(second.status).toBe(200);
  expect(second.body).toMatchObject({ user: first.user, token_type: "Bearer", expires_in: 900 });
  expect(second.body.refresh_token).not.toBe(first.refresh_token);
  expect(second.headers.get("Cache-Control")).toBe("no-store");
  expect((await ask("GET", "/me", undefined, bearer(second.body.access_token))).status).toBe(200);
  expect((await refresh(second.body.refresh_token)).status).toBe(200);
});

test("a renewal carries the role that the user has now", async () => {
  const { user, refresh_token } = await registerAda();
  await env.DB.prepare("UPDATE users SET role = 'staff' WHERE id = ?").bind(user.id).run();
  expect((await refresh(refresh_token)).body.user.role).toBe("staff");
});

test("a used token that comes back ends its session, the newest token included, and no other session", async () => {
  const first = await registerAda();
  const elsewhere = (await ask("POST", "/auth/token", ADA)).body;
  const second = (await refresh(first.refresh_token)).body;
  const third = (await refresh(second.refresh_token)).body;
  await expectRefused(first.refresh_token);
  await expectRefused(third.refresh_token);
  await expectRefused(second.refresh_token);
  expect((await refresh(elsewhere.refresh_token)).status).toBe(200);
});

test("of many at once with one token at most one is answered, and the session ends", async () => {
  const { refresh_token } = await registerAda();
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(refresh_token)));
  const won = answers.filter(({ status }) => status === 200);
  expect(won).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(7);
  await expectRefused(won[0]?.body.refresh_token ?? "");
});

test("a token waits 30 days, counted anew from each renewal", async () => {
  const first = await registerAda();
  testClock.advance(30 * DAY - 1);
  const second = await refresh(first.refresh_token);
  expect(second.status).toBe(200);
  testClock.advance(30 * DAY - 1);
  const third = await refresh(second.body.refresh_token);
  expect(third.status).toBe(200);
  testClock.advance(30 * DAY);
  await expectRefused(third.body.refresh_token);
});

test("unknown tokens and access tokens renew nothing", async () => {
  const { access_token } = await registerAda();
  await expectRefused("nonsense");
  await expectRefused("x".repeat(43));
  await expectRefused(access_token.slice(0, 200));
  for (const given of [{}, { refresh_token: 1 }, { refresh_token: "" }, { refresh_token: access_token }]) {
    const { status, body } = await ask("POST", "/auth/refresh", given);
    expect(status).toBe(422);
    expect(body.errors[0].field).toBe("refresh_token");
  }
});

test("the stored hash is no token", async () => {
  await registerAda();
  const hash = await env.DB.prepare("SELECT hash FROM refresh_tokens").first<string>("hash");
  await expectRefused(hash ?? "");
});

test("a disabled user renews nothing", async () => {
  const { user, refresh_token } = await registerAda();
  await env.DB.prepare("UPDATE users SET disabled_at = 1 WHERE id = ?").bind(user.id).run();
  await expectRefused(refresh_token);
});

test("signing out ends the session, and asks for nothing but its token", async () => {
  const first = await registerAda();
  const second = (await refresh(first.refresh_token)).body;
  const out = await ask("POST", "/auth/logout", { refresh_token: second.refresh_token });
  expect(out).toMatchObject({ status: 204, body: null });
  await expectRefused(second.refresh_token);
  expect((await ask("POST", "/auth/logout", { refresh_token: second.refresh_token })).status).toBe(204);
  expect((await ask("POST", "/auth/logout", { refresh_token: "unknown" })).status).toBe(204);
  expect((await ask("POST", "/auth/logout", {})).status).toBe(422);
});

test("a renewal is one call to D1", async () => {
  const { refresh_token } = await registerAda();
  const batch = vi.spyOn(env.DB, "batch");
  expect((await refresh(refresh_token)).status).toBe(200);
  expect(batch.mock.calls.length).toBe(1);
  batch.mockRestore();
});
