import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { askUnder } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { ADA, ask, bearer, NEW_ADA } from "./ask.ts";

test("registering gives a customer, signed in", async () => {
  const { status, headers, body } = await ask("POST", "/auth/register", NEW_ADA);
  expect(status).toBe(201);
  expect(body).toEqual({
    user: {
      id: expect.stringMatching(/^usr_[0-9a-z]{26}$/),
      email: ADA.email,
      name: "Ada",
      role: "customer",
    },
    access_token: expect.any(String),
    refresh_token: expect.stringMatching(/^[\w-]{43}$/),
    token_type: "Bearer",
    expires_in: 900,
  });
  expect(headers.get("Cache-Control")).toBe("no-store");
  expect((await ask("GET", "/me", undefined, bearer(body.access_token))).body).toMatchObject(body.user);
});

test("addresses are trimmed and lower case, and a role cannot be asked for", async () => {
  const given = { ...NEW_ADA, email: "  ADA@Shop.Example ", name: " Ada " };
  for (const more of [{ role: "admin" }, { id: "usr_mine" }]) {
    const refused = await ask("POST", "/auth/register", { ...given, ...more });
    expect([refused.status, refused.body.code]).toEqual([422, "unknown_field"]);
  }
  const { status, body } = await ask("POST", "/auth/register", given);
  expect(status).toBe(201);
  expect(body.user).toMatchObject({ email: ADA.email, name: "Ada", role: "customer" });
});

test("a taken address is a 409 however it is written, and changes nothing", async () => {
  await ask("POST", "/auth/register", NEW_ADA);
  const again = { ...NEW_ADA, email: "Ada@SHOP.example", password: "another password", name: "Eve" };
  const { status, body } = await ask("POST", "/auth/register", again);
  expect(status).toBe(409);
  expect(body).toMatchObject({ code: "email_taken", errors: [{ field: "email" }] });
  const { name: _, ...credentials } = again;
  expect((await ask("POST", "/auth/token", credentials)).status).toBe(401);
  expect((await ask("POST", "/auth/token", ADA)).body.user.name).toBe("Ada");
  const sessions = await env.DB.prepare("SELECT count(*) AS n FROM sessions").first("n");
  expect(sessions).toBe(2);
});

test("of many at once with one address exactly one registers", async () => {
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, n) => ask("POST", "/auth/register", { ...NEW_ADA, name: `Ada ${n}` })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
});

test.each([
  ["email", { ...NEW_ADA, email: "ada" }],
  ["email", { ...NEW_ADA, email: "ada@shop" }],
  ["email", { ...NEW_ADA, email: "a@b.example, c@d.example" }],
  ["email", { ...NEW_ADA, email: "a@b.example\nBcc: c@d.example" }],
  ["email", { ...NEW_ADA, email: `${"a".repeat(250)}@shop.example` }],
  ["email", { ...NEW_ADA, email: 7 }],
  ["email", { ...NEW_ADA, email: null }],
  ["email", { password: ADA.password, name: "Ada" }],
  ["password", { ...NEW_ADA, password: "123456789" }],
  ["password", { ...NEW_ADA, password: "x".repeat(201) }],
  ["password", { ...NEW_ADA, password: 1234567890 }],
  ["password", { email: ADA.email, name: "Ada" }],
  ["name", { ...NEW_ADA, name: "  " }],
  ["name", { ...NEW_ADA, name: "Ada\r\nBcc: eve@shop.example" }],
  ["name", { ...NEW_ADA, name: "x".repeat(201) }],
  ["name", { ...NEW_ADA, name: ["Ada"] }],
  ["name", { email: ADA.email, password: ADA.password }],
])("a wrong %s is a 422 that names it (%#)", async (field, given) => {
  const { status, body } = await ask("POST", "/auth/register", given);
  expect(status).toBe(422);
  expect(body).toMatchObject({ code: "invalid_body", errors: [{ field }] });
});

test("what is no object, or no JSON, is a 4xx", async () => {
  for (const path of ["/auth/register", "/auth/token", "/auth/refresh", "/auth/logout"]) {
    for (const given of [[], "null", '"text"', "7"]) {
      expect((await ask("POST", path, given)).status).toBe(422);
    }
    expect((await ask("POST", path, "{")).status).toBe(400);
  }
});

test("neither the password nor a token is kept anywhere", async () => {
  const { body } = await ask("POST", "/auth/register", NEW_ADA);
  const kept = JSON.stringify(
    await env.DB.batch(
      ["users", "sessions", "refresh_tokens"].map((table) => env.DB.prepare(`SELECT * FROM ${table}`)),
    ),
  );
  expect(kept).toContain("scrypt$16384$8$5$");
  expect(kept).not.toContain(ADA.password);
  expect(kept).not.toContain(body.refresh_token);
  expect(kept).not.toContain(body.access_token);
});

test("an address opens so many accounts an hour, whatever came of the tries", async () => {
  const from = (address: string, email: string) =>
    askUnder(
      { REGISTRATIONS_PER_HOUR: "2" },
      "POST",
      "/auth/register",
      { ...NEW_ADA, email },
      {
        "CF-Connecting-IP": address,
      },
    );
  expect((await from("192.0.2.1", "ada@shop.example")).status).toBe(201);
  expect((await from("192.0.2.1", "ada@shop.example")).status).toBe(409);
  testClock.advance(59 * 60_000);
  const third = await from("192.0.2.1", "bob@shop.example");
  expect([third.status, third.body.code, third.headers.get("Retry-After")]).toEqual([
    429,
    "rate_limited",
    "60",
  ]);
  expect(third.headers.get("RateLimit-Policy")).toBe('"registrations";q=2;w=3600');
  expect((await from("192.0.2.2", "bob@shop.example")).status).toBe(201);
  testClock.advance(60_000);
  expect((await from("192.0.2.1", "eve@shop.example")).status).toBe(201);
});
