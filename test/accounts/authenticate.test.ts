import { env, exports } from "cloudflare:workers";
import { base64url, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { expect, test } from "vitest";
import type { UserActor } from "../../src/platform/actor.ts";
import { testClock } from "../support/clock.ts";
import { TEST_PRIVATE_KEY } from "../support/keys.ts";
import { signIn } from "../support/sign-in.ts";

/** For admins alone, so a customer who is known there gets a 403, and a guest the 401 of who is not signed in. */
const USERS = "http://shop.test/api/v1/users";
const ask = (authorization: string) =>
  exports.default.fetch(USERS, { headers: { Authorization: authorization } });

async function expectRefused(authorization: string) {
  const response = await ask(authorization);
  expect({ authorization, status: response.status }).toEqual({ authorization, status: 401 });
  expect(response.headers.get("WWW-Authenticate")).toContain("Bearer");
  expect(await response.json()).toMatchObject({ code: "invalid_token" });
}

const JWK = JSON.parse(TEST_PRIVATE_KEY);
const privateKey = () => importJWK(JWK, "EdDSA");
const nowSeconds = () => Math.floor(testClock.now() / 1000);

/** A token with everything right but what a test changes. */
function forge(payload: Record<string, unknown> = {}, header: Record<string, unknown> = {}) {
  const claims: Record<string, unknown> = {
    iss: "holdfast",
    aud: "holdfast",
    sub: "usr_1",
    role: "customer",
    sid: "ses_1",
    iat: nowSeconds(),
    exp: nowSeconds() + 60,
    ...payload,
  };
  return new SignJWT(claims).setProtectedHeader({ alg: "EdDSA", kid: "test", typ: "at+jwt", ...header });
}

const claimsOf = ({ userId, sessionId }: UserActor) => ({ sub: userId, sid: sessionId });

test("a token is taken as Bearer and as JWT, in any case", async () => {
  const { token, actor } = await signIn();
  for (const scheme of ["Bearer", "bearer", "BEARER", "JWT", "jwt"]) {
    expect((await ask(`${scheme} ${token}`)).status).toBe(403);
  }
  expect((await ask(`Bearer ${await forge(claimsOf(actor)).sign(await privateKey())}`)).status).toBe(403);
  expect(decodeProtectedHeader(token)).toEqual({ alg: "EdDSA", kid: "test", typ: "at+jwt" });
});

test("no header leaves a guest", async () => {
  const response = await exports.default.fetch(USERS);
  expect(response.status).toBe(401);
  expect(response.headers.get("WWW-Authenticate")).toBe("Bearer");
  expect(await response.json()).toMatchObject({ code: "unauthenticated" });
});

test("a header that cannot be read is a 401, never a 500", async () => {
  const { token } = await signIn();
  for (const header of [
    "Bearer",
    "Bearer ",
    "Bearer x",
    "Bearer a.b.c",
    "Bearer ....",
    `Bearer ${"a".repeat(8_000)}`,
    "Basic YTpi",
    token,
    `Bearer ${token} ${token}`,
    `Bearer ${token}, Bearer ${token}`,
    `Token ${token}`,
    `Bearer ${base64url.encode("{}")}.${base64url.encode("{}")}.`,
    `Bearer ${base64url.encode("null")}.${base64url.encode("null")}.x`,
    "Bearer \u00ff\u00fe",
  ]) {
    await expectRefused(header);
  }
});

test("alg none is refused, however it is written", async () => {
  const [, payload] = (await signIn("admin")).token.split(".");
  for (const alg of ["none", "None", "NONE", ""]) {
    const header = base64url.encode(JSON.stringify({ alg, kid: "test", typ: "at+jwt" }));
    await expectRefused(`Bearer ${header}.${payload}.`);
  }
});

test("a token signed by HS256 with our public key as the secret is refused", async () => {
  const jwks = await exports.default.fetch("http://shop.test/.well-known/jwks.json");
  const { keys } = await jwks.json<{ keys: { x: string }[] }>();
  const x = keys[0]?.x ?? "";
  for (const secret of [base64url.decode(x), new TextEncoder().encode(x)]) {
    await expectRefused(`Bearer ${await forge({}, { alg: "HS256" }).sign(secret)}`);
  }
});

test("an altered token is refused: its claims, its header, its signature", async () => {
  const { token, id } = await signIn("customer");
  const [header = "", payload = "", signature = ""] = token.split(".");
  const raised = { ...JSON.parse(new TextDecoder().decode(base64url.decode(payload))), role: "admin" };
  expect(raised.sub).toBe(id);
  await expectRefused(`Bearer ${header}.${base64url.encode(JSON.stringify(raised))}.${signature}`);
  const other = base64url.encode(JSON.stringify({ alg: "EdDSA", kid: "test", typ: "at+jwt", x: 1 }));
  await expectRefused(`Bearer ${other}.${payload}.${signature}`);
  await expectRefused(`Bearer ${header}.${payload}.${base64url.encode(new Uint8Array(64))}`);
  await expectRefused(`Bearer ${header}.${payload}.`);
});

test("a token signed by another key is refused, also when it names our kid or brings its key along", async () => {
  const foreign = await generateKeyPair("EdDSA", { extractable: true });
  const jwk = await exportJWK(foreign.publicKey);
  for (const header of [
    {},
    { kid: "other" },
    { kid: undefined },
    { jwk },
    { jku: "http://evil.test/jwks" },
  ]) {
    await expectRefused(`Bearer ${await forge({}, header).sign(foreign.privateKey)}`);
  }
  const es256 = await generateKeyPair("ES256");
  await expectRefused(`Bearer ${await forge({}, { alg: "ES256" }).sign(es256.privateKey)}`);
});

test("our own signature under other claims than an access token's is refused", async () => {
  const key = await privateKey();
  for (const claims of [
    { iss: "elsewhere" },
    { aud: "elsewhere" },
    { aud: undefined },
    { exp: undefined },
    { sub: undefined },
    { sub: 7 },
    { sid: undefined },
    { role: "root" },
    { role: undefined },
    { nbf: nowSeconds() + 60 },
  ]) {
    await expectRefused(`Bearer ${await forge(claims).sign(key)}`);
  }
  await expectRefused(`Bearer ${await forge({}, { typ: "JWT" }).sign(key)}`);
  await expectRefused(`Bearer ${await forge({}, { kid: "other" }).sign(key)}`);
  await expectRefused(`Bearer ${await forge({}, { kid: undefined }).sign(key)}`);
  await expectRefused(`Bearer ${await forge({}, { crit: ["x"], x: 1 }).sign(key, { crit: { x: true } })}`);
});

test("a token ends when the clock says so", async () => {
  const { actor } = await signIn();
  const token = await forge({ ...claimsOf(actor), exp: nowSeconds() + 60 }).sign(await privateKey());
  testClock.advance(58_000);
  expect((await ask(`Bearer ${token}`)).status).toBe(403);
  testClock.advance(3_000);
  await expectRefused(`Bearer ${token}`);
});

test("what a customer reads costs no look at who it is", async () => {
  const { headers } = await signIn();
  await env.DB.exec("DROP TABLE users");
  await env.DB.exec("DROP TABLE sessions");
  const read = (path: string) => exports.default.fetch(`http://shop.test/api/v1${path}`, { headers });
  for (const path of ["/orders", "/carts", "/products"]) expect((await read(path)).status).toBe(200);
  expect((await read("/me")).status).toBe(500);
});
