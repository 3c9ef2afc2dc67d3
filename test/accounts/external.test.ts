import { env } from "cloudflare:workers";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { askUnder, refusalOf } from "../orders/ask.ts";
import { testClock } from "../support/clock.ts";
import { basket, givenShop } from "../support/shop.ts";
import { signIn } from "../support/sign-in.ts";
import { bearer } from "./ask.ts";

const ISSUER = "https://id.shop.example";
const AUDIENCE = "https://api.shop.example";
const SETTINGS = { AUTH_ISSUER: ISSUER, AUTH_JWKS_URL: `${ISSUER}/jwks`, AUTH_AUDIENCE: AUDIENCE };

type Pair = CryptoKeyPair;
let rsa: Pair;
let stranger: Pair;
/** What the other server answers to a question for its keys; and how often it was asked. */
let answer: () => Response;
let asked: number;
/** Settings objects hold the key set, as long as an isolate lives. */
let settings: Record<string, string>;

beforeAll(async () => {
  rsa = await generateKeyPair("RS256", { extractable: true });
  stranger = await generateKeyPair("RS256", { extractable: true });
});

beforeEach(async () => {
  const jwk = { ...(await exportJWK(rsa.publicKey)), kid: "one", alg: "RS256", use: "sig" };
  answer = () => Response.json({ keys: [jwk] });
  asked = 0;
  settings = { ...SETTINGS };
  const network = vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    expect(`${input instanceof Request ? input.url : input}`).toBe(SETTINGS.AUTH_JWKS_URL);
    asked += 1;
    return answer();
  });
  expect(network).toBeDefined();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const seconds = () => Math.floor(testClock.now() / 1_000);

const claimsOf = (more: JWTPayload = {}): JWTPayload => ({
  ...{ iss: ISSUER, aud: AUDIENCE, sub: "ada", iat: seconds(), exp: seconds() + 600, sid: "s-1" },
  ...more,
});

const signed = (more: JWTPayload = {}, header: Record<string, unknown> = {}, key = rsa.privateKey) =>
  new SignJWT(claimsOf(more)).setProtectedHeader({ alg: "RS256", kid: "one", ...header }).sign(key);

const me = (token: string) => askUnder(settings, "GET", "/me", undefined, bearer(token));
const users = () => env.DB.prepare("SELECT count(*) AS n FROM users").first<number>("n");

describe("whoever signed in elsewhere", () => {
  test("is a customer from their first request on, always the same one", async () => {
    const claims = { email: "Ada@Shop.example", email_verified: true, name: "Ada" };
    const first = await me(await signed(claims));
    expect(first.body).toMatchObject({
      ...{ email: "ada@shop.example", name: "Ada", role: "customer", email_verified: true },
    });
    expect((await me(await signed({ ...claims, sid: "s-2" }))).body).toMatchObject({ id: first.body.id });
    expect((await me(await signed({ sub: "eve" }))).body.id).not.toBe(first.body.id);
    expect(await users()).toBe(2);
    expect(asked).toBe(3); // Each request of these tests is an isolate of its own.
  });

  test("of many first requests at once one makes the user", async () => {
    const token = await signed();
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => me(token)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await users()).toBe(1);
  });

  test("gets nobody's account by an e-mail address, and an unverified one counts for nothing", async () => {
    const admin = await signIn("admin");
    for (const email_verified of [true, false, undefined]) {
      const { body } = await me(await signed({ email: admin.email, email_verified }));
      expect(body).toMatchObject({ role: "customer", email: `${body.id}@unknown.invalid` });
      expect(body.id).not.toBe(admin.id);
    }
  });

  test("places orders and sees them, with the role that an admin gave here", async () => {
    const { productIds } = await givenShop([[5]]);
    const headers = bearer(await signed({ role: "admin", roles: ["admin"], scope: "admin" }));
    const customer = { name: "Ada", email: "ada@shop.example" };
    const order = basket({ [productIds[0] ?? ""]: 1 }, { customer });
    expect((await askUnder(settings, "POST", "/orders", order, headers)).status).toBe(201);
    expect((await askUnder(settings, "GET", "/orders", undefined, headers)).body).toMatchObject({ count: 1 });
    expect(refusalOf(await askUnder(settings, "GET", "/users", undefined, headers))[0]).toBe(403);
    const { id } = (await me(await signed())).body;
    const { headers: admin } = await signIn("admin");
    await askUnder({}, "PATCH", `/users/${id}`, { role: "admin" }, admin);
    expect((await askUnder(settings, "GET", "/users", undefined, headers)).status).toBe(200);
  });

  test("is not taken in while a backup is loaded, and who is known goes on", async () => {
    const known = await signed();
    expect((await me(known)).status).toBe(200);
    const { headers } = await signIn("admin");
    await askUnder({}, "POST", "/ops/selling", { state: "restoring" }, headers);
    expect(refusalOf(await me(await signed({ sub: "eve" })))).toEqual([503, "unavailable"]);
    expect((await me(known)).status).toBe(200);
    expect(await users()).toBe(2);
  });

  test("is out at once when they are disabled or sign out, and in by a new sign-in", async () => {
    const token = await signed();
    const { id } = (await me(token)).body;
    const { headers: admin } = await signIn("admin");
    await askUnder({}, "PATCH", `/users/${id}`, { disabled: true }, admin);
    expect((await me(token)).status).toBe(401);
    await askUnder({}, "PATCH", `/users/${id}`, { disabled: false }, admin);
    const next = await signed({ sid: "s-2" });
    expect((await me(next)).status).toBe(200);
    expect((await askUnder(settings, "DELETE", "/me/sessions", undefined, bearer(next))).status).toBe(204);
    expect((await me(next)).status).toBe(401);
    expect((await me(await signed({ sid: "s-2", iat: seconds() + 1, auth_time: seconds() }))).status).toBe(
      401,
    );
    expect((await me(await signed({ sid: "s-3" }))).status).toBe(200);
  });
});

describe("what is refused", () => {
  const hour = 3_600;
  const forms: Record<string, () => Promise<string>> = {
    "of another issuer": () => signed({ iss: "https://id.evil.example" }),
    "of an issuer that begins so": () => signed({ iss: `${ISSUER}/` }),
    "for another audience": () => signed({ aud: "https://other.example" }),
    "for nobody": () => signed({ aud: undefined as never }),
    "without an end": () => signed({ exp: undefined as never }),
    "without a time": () => signed({ iat: undefined as never }),
    "without a subject": () => signed({ sub: undefined as never }),
    "of an empty subject": () => signed({ sub: "" }),
    "of a subject that is too long": () => signed({ sub: "x".repeat(256) }),
    "that has ended": () => signed({ exp: seconds() - 6 }),
    "of the future": () => signed({ nbf: seconds() + hour }),
    "that was made in the future": () => signed({ iat: seconds() + 60 }),
    "whose time is no whole second": () => signed({ iat: seconds() - 0.5 }),
    "of another type": () => signed({}, { typ: "logout+jwt" }),
    "that is a restore's": () => signed({}, { typ: "restore-proof+jwt" }),
    "by a stranger's key under a known name": () => signed({}, {}, stranger.privateKey),
    "by a key that is not there": () => signed({}, { kid: "two" }, stranger.privateKey),
    "that brings its key along": async () =>
      signed({}, { jwk: await exportJWK(stranger.publicKey) }, stranger.privateKey),
    "that says where its key is": () =>
      signed({}, { jku: "https://evil.example/jwks", kid: "x" }, stranger.privateKey),
    "by a shared secret, the public key": async () =>
      new SignJWT(claimsOf())
        .setProtectedHeader({ alg: "HS256", kid: "one" })
        .sign(new TextEncoder().encode(await exportSPKI(rsa.publicKey))),
    "that nobody signed": async () => {
      const [, payload] = (await signed()).split(".");
      return `${btoa('{"alg":"none","kid":"one"}').replaceAll("=", "")}.${payload}.`;
    },
    "whose claims were changed": async () => {
      const [header, , signature] = (await signed()).split(".");
      const [, payload] = (await signed({ sub: "eve" })).split(".");
      return `${header}.${payload}.${signature}`;
    },
    "that is cut off": async () => (await signed()).slice(0, -4),
  };

  test.each(Object.keys(forms))("a token %s", async (name) => {
    const token = (await forms[name]?.()) ?? "";
    expect(refusalOf(await me(token))).toEqual([401, "invalid_token"]);
    expect(await users()).toBe(0);
  });

  test("its good token, where it is not set up; and our own stays ours", async () => {
    expect((await askUnder({}, "GET", "/me", undefined, bearer(await signed()))).status).toBe(401);
    const own = await signIn();
    expect((await me(own.token)).body).toMatchObject({ id: own.id });
    expect(asked).toBe(0);
  });

  test.each([1e300, -1, 0.5, 1e15])("no token for a time of sign-in that is none: %d", async (auth_time) => {
    expect((await me(await signed({ auth_time }))).status).toBe(200);
  });

  test("no token for what else it says wrongly", async () => {
    const { status, body } = await me(
      await signed({ name: "x".repeat(201), email: 7, email_verified: "true" } as never),
    );
    expect([status, body]).toMatchObject([200, { name: "Customer", email_verified: false }]);
  });

  test("five seconds are forgiven, since clocks differ", async () => {
    expect((await me(await signed({ exp: seconds() - 4 }))).status).toBe(200);
  });
});

test.each<[string, () => Response]>([
  ["answers with a fault", () => new Response("", { status: 500 })],
  ["answers something else", () => Response.json({ hello: 1 })],
  [
    "does not answer",
    () => {
      throw new TypeError("network");
    },
  ],
])("a server whose keys cannot be read, since it %s, is a 503", async (_, faulty) => {
  answer = faulty;
  const refused = await me(await signed());
  expect(refusalOf(refused)).toEqual([503, "identity_provider_unavailable"]);
  expect(refused.headers.get("Retry-After")).toBe("5");
  expect((await me((await signIn()).token)).status).toBe(200);
});

test.each(Object.keys(SETTINGS))("without %s it is a fault of the settings", async (name) => {
  const refused = await askUnder({ ...SETTINGS, [name]: "" }, "GET", "/me");
  expect(refusalOf(refused)).toEqual([503, "misconfigured"]);
});
