import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { trySignIn } from "../../src/accounts/tries.ts";
import { sha256 } from "../../src/platform/ids.ts";
import { settingsSchema } from "../../src/platform/settings.ts";
import { runOwed } from "../notifications/orders.ts";
import { askUnder } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { ADA, ask, guestContext, registerAda } from "./ask.ts";

const HOME = "192.0.2.1";
const AWAY = "198.51.100.9";

interface Tried {
  from?: string;
  email?: string;
  outcome?: "right" | "wrong" | "unknown" | "none";
  limit?: string;
}

/** A try without its scrypt: how it ended, or how long it must wait. */
async function tryOnce({ from = AWAY, email = ADA.email, outcome = "wrong", limit = "1000" }: Tried = {}) {
  const settings = settingsSchema.parse({ ...env, SIGN_INS_PER_MINUTE: limit });
  const answer = await trySignIn({ ...guestContext(), settings, address: from }, email);
  if (answer.kind === "limited") {
    expect(answer.headers["Retry-After"]).toBe(`${answer.retryAfter}`);
    return `wait ${answer.retryAfter}`;
  }
  if (outcome !== "none") await answer.tried[outcome]();
  return outcome;
}

async function tries(times: number, more: Tried = {}) {
  const answers = [];
  for (let n = 0; n < times; n++) answers.push(await tryOnce(more));
  return answers;
}

const FIVE_WRONG = Array(5).fill("wrong");

test("five wrong passwords are free, then each waits twice as long as the one before, a quarter of an hour at most", async () => {
  expect(await tries(5)).toEqual(FIVE_WRONG);
  for (const wait of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
    expect(await tryOnce()).toBe(`wait ${wait}`);
    testClock.advance((wait - 1) * 1_000);
    expect(await tryOnce()).toBe("wait 1");
    testClock.advance(1_000);
    expect(await tryOnce()).toBe("wrong");
  }
  testClock.advance(60 * 60_000);
  expect(await tries(5)).toEqual(FIVE_WRONG);
});

test("a wait is a 429 before anything is computed, the same with an account and without one", async () => {
  await registerAda();
  const answers = [];
  for (const email of [ADA.email, "nobody@shop.example"]) {
    await tries(5, { email, from: HOME });
    const given = [{ SIGN_INS_PER_MINUTE: "1000" }, "POST", "/auth/token", { ...ADA, email }] as const;
    const { status, headers, body } = await askUnder(...given, { "CF-Connecting-IP": HOME });
    const { request_id: _, ...rest } = body;
    answers.push({ status, wait: headers.get("Retry-After"), rest });
  }
  expect(answers[0]).toMatchObject({
    status: 429,
    wait: "1",
    rest: { code: "rate_limited", retry_after: 1 },
  });
  expect(answers[1]).toEqual(answers[0]);
});

test("wrong passwords over HTTP are counted, and the right one ends the waiting once its time has come", async () => {
  await registerAda();
  const signIn = async (password: string) =>
    (await askUnder({ SIGN_INS_PER_MINUTE: "99" }, "POST", "/auth/token", { ...ADA, password })).status;
  const from = "unknown";
  expect(await signIn("wrong")).toBe(401);
  expect(await tries(4, { from })).toEqual(FIVE_WRONG.slice(1));
  expect(await signIn(ADA.password)).toBe(429);
  testClock.advance(1_000);
  expect(await signIn(ADA.password)).toBe(200);
  expect(await tries(6, { from })).toEqual([...FIVE_WRONG, "wait 1"]);
});

test("tries at once are counted before they are computed", async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => tryOnce({ outcome: "none" })));
  expect(answers.sort()).toEqual([...Array(5).fill("none"), "wait 1", "wait 1", "wait 1"]);
});

test("what was not computed does not count", async () => {
  await tries(9, { outcome: "unknown" });
  expect(await tries(5)).toEqual(FIVE_WRONG);
});

test("the wait outlives the eviction of the object that keeps it", async () => {
  await tries(5);
  const name = `tries:${await sha256(`account:${ADA.email}`)}`;
  await evictDurableObject(env.RATE_LIMITER.get(env.RATE_LIMITER.idFromName(name)));
  expect(await tryOnce()).toBe("wait 1");
});

test("strangers make strangers wait a minute at most, and nobody where the owner was in before", async () => {
  await tryOnce({ from: HOME, outcome: "right" });
  for (let n = 0; n < 20; n++) expect(await tryOnce({ from: `203.0.113.${n}` })).toBe("wrong");
  for (const wait of [1, 2, 4, 8, 16, 32, 60, 60]) {
    expect(await tryOnce({ from: AWAY })).toBe(`wait ${wait}`);
    expect(await tryOnce({ from: HOME, outcome: "right" })).toBe("right");
    testClock.advance(wait * 1_000);
    expect(await tryOnce({ from: `2001:db8:${wait}::/64`.replace("60", `${testClock.now()}`) })).toBe(
      "wrong",
    );
  }
});

test("an address that is wrong for many accounts waits for each, but not for one that it was right for", async () => {
  await tryOnce({ from: HOME, outcome: "right" });
  for (let n = 0; n < 20; n++)
    expect(await tryOnce({ from: HOME, email: `no-${n}@shop.example` })).toBe("wrong");
  const eve = { email: "eve@shop.example" };
  expect(await tryOnce({ ...eve, from: HOME })).toBe("wait 1");
  expect(await tryOnce({ ...eve, from: AWAY, outcome: "unknown" })).toBe("unknown");
  expect(await tryOnce({ from: HOME, outcome: "right" })).toBe("right");
  // A right one for their own account does not let whoever guesses at others begin anew.
  expect(await tryOnce({ ...eve, from: HOME })).toBe("wait 1");
  // The refusals counted for nothing.
  expect(await tries(5, { ...eve, from: AWAY })).toEqual(FIVE_WRONG);
});

test("an address has so many sign-ins a minute, right or wrong; 0 is off, and then nothing waits", async () => {
  expect(await tries(3, { outcome: "right", limit: "2" })).toEqual(["right", "right", "wait 60"]);
  expect(await tryOnce({ from: HOME, outcome: "right", limit: "2" })).toBe("right");
  expect(await tries(30, { limit: "0" })).toEqual(Array(30).fill("wrong"));
});

test("the owner is told by mail once, and again only of later tries; nobody is told of no account", async () => {
  await registerAda();
  await env.DB.prepare("DELETE FROM work").run();
  await tries(5);
  for (const wait of [1, 2, 4]) {
    testClock.advance(wait * 1_000);
    expect(await tryOnce()).toBe("wrong");
  }
  await tries(5, { email: "nobody@shop.example" });
  const mails = await runOwed();
  expect(mails.map(({ to_address, subject }) => [to_address, subject])).toEqual([
    [ADA.email, "Somebody tries to sign in to your account"],
  ]);
  expect(mails[0]?.text).toContain("Hello Ada,");
  testClock.advance(61 * 60_000);
  await tries(5);
  expect((await runOwed()).length).toBe(2);
});

test.each(["1234567890", "Password123", "QWERTYUIOP"])(
  "a password that many have is refused: %s",
  async (password) => {
    const register = await ask("POST", "/auth/register", { ...ADA, name: "Ada", password });
    expect([register.status, register.body.code, register.body.errors[0].field]).toEqual([
      422,
      "common_password",
      "password",
    ]);
    const { access_token } = await registerAda();
    const change = { current_password: ADA.password, new_password: password };
    const changed = await ask("POST", "/me/password", change, { Authorization: `Bearer ${access_token}` });
    expect([changed.status, changed.body.code, changed.body.errors[0].field]).toEqual([
      422,
      "common_password",
      "new_password",
    ]);
  },
);
